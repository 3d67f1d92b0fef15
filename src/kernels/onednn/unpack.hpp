// Tiles of matrices as plain rows, for products that want them so.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/onednn/gemm.hpp"
#include "kernels/tiles.hpp"

namespace gemma4 {

/// Sixteen rows of a tile, `columns` a multiple of 32, as floats, the values of the file, or as
/// bf16, these rounded to nearest even.
void unpack_tile(MatrixFormat format, const std::byte* tile, std::uint32_t columns, float* out);
void unpack_tile(MatrixFormat format, const std::byte* tile, std::uint32_t columns,
                 std::uint16_t* out);

/// Floats rounded to bf16.
void narrow(const float* values, std::uint64_t count, std::uint16_t* out);

}  // namespace gemma4
