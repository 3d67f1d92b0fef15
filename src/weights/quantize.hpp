// Numbers to quantised blocks, with the rounding of ggml's reference quantisers.
#pragma once

#include <cstddef>
#include <span>

#include "io/tensor_types.hpp"

namespace gemma4 {

/// Whether quantize_row can write this type.
bool can_quantize(TensorType type) noexcept;

/// Writes `row`, a multiple of the type's block, as blocks of Q4_0, Q8_0 or Q6_K.
///
/// Q4_0: d = the number of the largest magnitude / -8, code = floor(x / d + 8.5), at most 15.
/// Q8_0: d = the largest magnitude / 127, code = x / d, halves away from zero.
/// Q6_K: of 19 scales near the largest magnitude / -32 the one with the least squared error,
/// weighted by x^2, for each 16 numbers; those as multiples of a common scale, the largest -128. x
/// / d is x times the rounded 1 / d; the codes belong to d before it is rounded to 16 bits (Q6_K:
/// after).
void quantize_row(TensorType type, std::span<const float> row, std::byte* out) noexcept;

}  // namespace gemma4
