// Rows of a checkpoint's matrices on their way into tiles.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/tensor_directory.hpp"

namespace gemma4 {

/// The type that a tensor's rows are packed as without a loss: its own. I4 becomes blocks with the
/// scale that the tensor has (Q4_0, I4_BF16, I4_F32), or, with zero points, F32.
TensorType row_type(const TensorView& tensor) noexcept;

/// Bytes of a row of `columns` elements, a multiple of the type's block. Not for I4.
std::uint64_t row_bytes_of(TensorType type, std::uint64_t columns) noexcept;

/// Row `row` of a tensor as `type`: row_type(), or a type of quantize_row() for tensors of plain
/// numbers.
void copy_row(const TensorView& tensor, std::uint64_t row, TensorType type,
              std::byte* out) noexcept;

}  // namespace gemma4
