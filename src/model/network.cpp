#include "model/network.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

const LayerConfig* first_layer(const ModelConfig& config, bool sliding) {
  for (const LayerConfig& layer : config.layers) {
    if (layer.sliding == sliding) return &layer;
  }
  return nullptr;
}

std::uint32_t head_size(const ModelConfig& config, bool sliding) {
  const LayerConfig* layer = first_layer(config, sliding);
  return layer != nullptr ? layer->head_size : 0;
}

std::uint64_t table_bytes_of(const ModelConfig& config, bool sliding) {
  const LayerConfig* layer = first_layer(config, sliding);
  if (layer == nullptr) return 0;
  const std::uint32_t pairs = layer->head_size / 2;
  return RotaryTable::bytes(std::min(pairs, layer->turning_pairs), config.context_limit);
}

}  // namespace

Network::Network(ModelConfig shapes, Weights loaded, const Kernels& table,
                 const AllocatorPtr& allocator)
    : config(std::move(shapes)),
      weights(std::move(loaded)),
      kernels(table),
      rotary_full(config.rope_base, head_size(config, false), weights.rope_factors,
                  config.context_limit, allocator),
      rotary_sliding(config.rope_base_sliding, head_size(config, true), {}, config.context_limit,
                     allocator) {}

std::uint64_t Network::table_bytes(const ModelConfig& config) {
  return table_bytes_of(config, false) + table_bytes_of(config, true);
}

}  // namespace gemma4
