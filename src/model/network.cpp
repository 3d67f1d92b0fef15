#include "model/network.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

std::uint32_t head_size(const ModelConfig& config, bool sliding) {
  for (const LayerConfig& layer : config.layers) {
    if (layer.sliding == sliding) return layer.head_size;
  }
  return 0;
}

}  // namespace

Network::Network(ModelConfig shapes, Weights loaded, const Kernels& table)
    : config(std::move(shapes)),
      weights(std::move(loaded)),
      kernels(table),
      rotary_full(config.rope_base, head_size(config, false), weights.rope_factors,
                  config.context_limit),
      rotary_sliding(config.rope_base_sliding, head_size(config, true), {}, config.context_limit) {}

std::uint64_t Network::table_bytes(const ModelConfig& config) {
  return RotaryTable::bytes(head_size(config, false), config.context_limit) +
         RotaryTable::bytes(head_size(config, true), config.context_limit);
}

}  // namespace gemma4
