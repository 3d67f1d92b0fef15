// The plain definition of every readable block format: bytes of a row to numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/tensor_types.hpp"

namespace gemma4 {

/// Whether dequantize_row can read this type.
bool can_dequantize(TensorType type) noexcept;

/// Writes out.size() numbers from `bytes`, which hold exactly that many elements of `type` (a
/// multiple of its block). F32, F16, BF16, Q4_0, I4_BF16, I4_F32, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K,
/// Q5_K, Q6_K. The result is the exact f32 value of the format's formula evaluated in f32 without
/// contraction: d * code, or d * sc * code - dmin * mn in that order of roundings.
void dequantize_row(TensorType type, std::span<const std::byte> bytes,
                    std::span<float> out) noexcept;

}  // namespace gemma4
