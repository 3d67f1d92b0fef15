// A sketch of a matrix: its rows in two bits for a number, small enough to ask quickly which rows
// may have large products with a vector. An assistant has one of its head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/tensor_types.hpp"

namespace gemma4 {

/// Sketches `rows` rows (1 ... 16) of `type` that lie one after another at `source`, `row_bytes`
/// each, into one tile of SketchBlocks; missing rows become zero.
void sketch_tile(TensorType type, const std::byte* source, std::uint64_t row_bytes,
                 std::uint32_t rows, std::uint32_t columns, std::byte* tile) noexcept;

/// What a sketch is asked for the products of its rows with x, which has its columns: `codes`
/// [columns rounded up to 256], by rule 2 of docs/numerics.md as one block, whose scale nobody
/// needs, as it is the same for all rows; `offset` [a 256th of them]. Zeros if x has an infinity or
/// NaN.
void sketch_query(std::span<const float> x, std::span<std::int8_t> codes,
                  std::span<std::int32_t> offset) noexcept;

}  // namespace gemma4
