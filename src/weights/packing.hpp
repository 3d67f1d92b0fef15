// Rows of a checkpoint to tiles, and a row back out of its tile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "io/tensor_types.hpp"
#include "kernels/tiles.hpp"

namespace gemma4 {

/// The format in which a tensor type is computed: itself where the kernels know it; F32, exactly,
/// for the other readable types.
MatrixFormat matrix_format_of(TensorType type) noexcept;

/// "Q4_0", "BF16", ...; a static string.
const char* matrix_format_name(MatrixFormat format) noexcept;

/// The type of a packed file's tensor that holds a matrix in tiles.
TensorType tile_type(MatrixFormat format) noexcept;

/// The format of a matrix to multiply that a tensor in tiles has, or nothing for another type.
std::optional<MatrixFormat> tile_format(TensorType type) noexcept;

/// The columns of a matrix are a multiple of this: the block of the type it was packed from.
std::uint32_t column_multiple(MatrixFormat format) noexcept;

/// Packs `rows` rows (1 ... 16) that lie one after another at `source`, `row_bytes` each, into one
/// tile; missing rows become zero.
void pack_tile(TensorType type, const std::byte* source, std::uint64_t row_bytes,
               std::uint32_t rows, std::uint32_t columns, std::byte* tile) noexcept;

}  // namespace gemma4
