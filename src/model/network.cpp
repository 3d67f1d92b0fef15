#include "model/network.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

/// Gemma 4 turns the first quarter of a full layer's pairs ("proportional", partial_rotary_factor
/// 0.25). Files say so with a rope_freqs tensor; without one the same rule holds.
std::vector<double> full_factors(const std::vector<double>& from_file, std::uint32_t head_size) {
  return from_file.empty() ? std::vector<double>(head_size / 8, 1.0) : from_file;
}

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
      rotary_full(config.rope_base, head_size(config, false),
                  full_factors(weights.rope_factors, head_size(config, false)),
                  config.context_limit),
      rotary_sliding(config.rope_base_sliding, head_size(config, true), {}, config.context_limit) {}

std::uint64_t Network::table_bytes(const ModelConfig& config) {
  return RotaryTable::bytes(head_size(config, false), config.context_limit) +
         RotaryTable::bytes(head_size(config, true), config.context_limit);
}

}  // namespace gemma4
