#include "model/network.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

/// All layers of a kind have heads alike.
LayerConfig first_layer(const ModelConfig& config, bool sliding) {
  for (const LayerConfig& layer : config.layers) {
    if (layer.sliding == sliding) return layer;
  }
  return {};
}

std::uint64_t rotary_bytes(const ModelConfig& config, bool sliding) {
  const LayerConfig layer = first_layer(config, sliding);
  return RotaryTable::bytes(std::min(layer.turning_pairs, layer.head_size / 2),
                            config.context_limit);
}

}  // namespace

Network::Network(ModelConfig shapes, Weights loaded, const Kernels& table,
                 const AllocatorPtr& allocator)
    : config(std::move(shapes)),
      weights(std::move(loaded)),
      kernels(table),
      rotary_full(config.rope_base, first_layer(config, false).head_size, weights.rope_factors,
                  config.context_limit, allocator),
      rotary_sliding(config.rope_base_sliding, first_layer(config, true).head_size, {},
                     config.context_limit, allocator) {}

std::uint64_t Network::table_bytes(const ModelConfig& config) {
  return rotary_bytes(config, false) + rotary_bytes(config, true);
}

}  // namespace gemma4
