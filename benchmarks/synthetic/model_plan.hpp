// What a synthetic checkpoint contains: its keys, and each tensor's shape, type and distribution.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/tensor_types.hpp"
#include "key_writer.hpp"

namespace gemma4::synthetic {

/// The numbers that make a model. Every sixth layer has full attention, the others a sliding
/// window.
struct ModelShape {
  std::uint64_t layers, hidden, feed_forward, query_heads;
  std::uint64_t kv_heads_sliding, kv_heads_full, head_sliding, head_full;
  std::uint64_t window, context;
  std::uint64_t drafter_hidden, drafter_feed_forward, drafter_query_heads;
};

/// The shape named "12b" or "tiny", or nothing.
std::optional<ModelShape> preset(std::string_view name);

enum class Fill { random, rope_factors };

struct PlannedTensor {
  std::string name;
  std::vector<std::uint64_t> ne;
  TensorType type = TensorType::f32;
  Fill fill = Fill::random;
  float scale = 1;  ///< root mean square of quantised weights; mean of F32 vectors, which vary by a
                    ///< tenth of it
};

/// The target's keys and tensors; its vocabulary's keys are written by others.
std::vector<PlannedTensor> plan_target(const ModelShape& shape, std::uint64_t vocabulary,
                                       KeyWriter& keys);

/// The matching drafter's (architecture gemma4-assistant).
std::vector<PlannedTensor> plan_assistant(const ModelShape& shape, std::uint64_t vocabulary,
                                          KeyWriter& keys);

}  // namespace gemma4::synthetic
