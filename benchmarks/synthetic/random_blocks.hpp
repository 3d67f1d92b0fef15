// Random tensor content from a counter: any block can be made without the ones before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model_plan.hpp"

namespace gemma4::synthetic {

/// Writes the blocks [first, first + out.size() / block bytes) of a tensor. The content depends on
/// the seed and on the tensor's name, type and scale alone, so threads may cut a tensor as they
/// like, and a model of fewer layers shares the content of those it has.
void fill_blocks(const PlannedTensor& tensor, std::uint64_t seed, std::uint64_t first,
                 std::span<std::byte> out);

}  // namespace gemma4::synthetic
