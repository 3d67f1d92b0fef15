// How rows of the KV cache lie in memory for the kernels.
//
// kChunk consecutive positions, chunk borders being absolute positions, lie together: that is what
// attention takes at once, and the smallest piece of a cache that can be copied as bytes. Inside a
// chunk f32 and f16 rows follow one another. Rows in q8_0 stand in tiles of 16 positions, those of
// a Q8_0 matrix (tiles.hpp), so that the products of queries and keys are the matrix kernels' own.
#pragma once

#include <cstdint>

#include "gemma4/memory.hpp"
#include "kernels/tiles.hpp"

namespace gemma4 {

constexpr std::uint32_t kChunk = 64;  ///< positions

/// Bytes of a number in f32 and f16.
constexpr std::uint32_t element_bytes(KvType type) { return type == KvType::f32 ? 4 : 2; }

/// Bytes of a chunk whose rows have `width` numbers: a multiple of 16, in q8_0 of 32.
constexpr std::uint64_t chunk_bytes(KvType type, std::uint32_t width) {
  return type == KvType::q8_0 ? kChunk / kTileRows * tile_bytes(MatrixFormat::q8_0, width)
                              : std::uint64_t{kChunk} * width * element_bytes(type);
}

}  // namespace gemma4
