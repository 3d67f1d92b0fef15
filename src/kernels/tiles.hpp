// How matrices lie in memory for the kernels. Sixteen rows form a tile; a tile is a run of blocks
// along the columns. One layout serves every instruction set, so a packed matrix is valid on any
// machine.
//
// Inside a block the codes stand in steps of 4 columns: 64 bytes hold 16 rows x 4 columns, row r at
// bytes 4r ... 4r+3. A 256-bit register takes 8 rows of a step, a 512-bit register all 16, and 4
// activation bytes are broadcast against them.
#pragma once

#include <cstdint>

#include "base/half.hpp"

namespace gemma4 {

/// The formats that matrices are computed from.
enum class MatrixFormat : std::uint8_t {
  q4_0,
  q8_0,
  q6_k,
  f32,
  f16,
  bf16,
  i4_bf16,
  i4_f32,
  sketch  ///< not for products: Kernels::match
};

constexpr std::uint32_t kTileRows = 16;
constexpr std::uint32_t kBlock = 32;  ///< columns that share one activation scale

/// A scale with the upper half of a float's bits.
struct Bf16Scale {
  std::uint16_t bits;
};

/// A stored scale as the number it is.
inline float scale_value(std::uint16_t half) { return half_to_float(half); }
inline float scale_value(Bf16Scale scale) { return bf16_to_float(scale.bits); }
inline float scale_value(float scale) { return scale; }

/// 16 rows x 64 columns of 4-bit codes. Two blocks of 32 stand together so that every part begins
/// on a cache line. codes[b][64 * s + 4 * r + j]: low nibble = column 4s + j of block b, high
/// nibble = column 16 + 4s + j.
template <typename Scale>
struct FourBitBlock {
  Scale scale[2][kTileRows];
  std::uint8_t codes[2][256];  // code + 8, 0 ... 15
};
using Q4Block = FourBitBlock<std::uint16_t>;  // Q4_0, IEEE half: 4.5 bits per weight as in the file
using I4Bf16Block = FourBitBlock<Bf16Scale>;  // as many
using I4F32Block = FourBitBlock<float>;
static_assert(sizeof(Q4Block) == 576 && sizeof(I4Bf16Block) == 576 && sizeof(I4F32Block) == 640);

/// 16 rows x 64 columns of Q8_0. codes[b][64 * s + 4 * r + j] = column 4s + j of block b.
struct Q8Block {
  std::uint16_t scale[2][kTileRows];
  std::int8_t codes[2][512];
};
static_assert(sizeof(Q8Block) == 1088);

/// 16 rows x 256 columns of Q6_K, as many bytes as in the file. The low nibbles of each 32 columns
/// lie as in Q4Block; of the high bit pairs, byte high[b][64 * h + 4 * r + j] holds those of
/// columns 16h + j, +4, +8, +12 from its lowest bits up.
struct Q6Block {
  std::uint8_t low[8][256];
  std::uint8_t high[8][128];
  std::int8_t sub_scale[16][kTileRows];  // for 16 columns each
  std::uint16_t scale[kTileRows];        // IEEE half
};
static_assert(sizeof(Q6Block) == 3360);

/// 16 rows x 256 columns of a sketch (weights/sketch.hpp), two bits for a number: code c stands for
/// scale * (2 c - 3). Byte codes[64 * g + 4 * r + j] holds columns 16g + j, +4, +8, +12 from its
/// lowest bits up. Columns behind the last one are padding that meets zeros.
struct SketchBlock {
  float scale[kTileRows];
  std::uint8_t codes[1024];
};
static_assert(sizeof(SketchBlock) == 1088);
constexpr std::uint32_t kSketchColumns = 256;

/// Columns that one stored block covers; a matrix of this format needs a multiple of 32 (Q6_K: 256)
/// columns.
constexpr std::uint32_t stored_block_columns(MatrixFormat format) {
  switch (format) {
    case MatrixFormat::q4_0:
    case MatrixFormat::q8_0:
    case MatrixFormat::i4_bf16:
    case MatrixFormat::i4_f32:
      return 64;
    case MatrixFormat::q6_k:
      return 256;
    case MatrixFormat::sketch:
      return kSketchColumns;
    default:
      return 1;
  }
}

/// Bytes of one tile of 16 rows. Floats are kept row after row.
constexpr std::uint64_t tile_bytes(MatrixFormat format, std::uint32_t columns) {
  const std::uint64_t blocks =
      (std::uint64_t{columns} + stored_block_columns(format) - 1) / stored_block_columns(format);
  switch (format) {
    case MatrixFormat::q4_0:
    case MatrixFormat::i4_bf16:
      return blocks * sizeof(Q4Block);
    case MatrixFormat::i4_f32:
      return blocks * sizeof(I4F32Block);
    case MatrixFormat::q8_0:
      return blocks * sizeof(Q8Block);
    case MatrixFormat::q6_k:
      return blocks * sizeof(Q6Block);
    case MatrixFormat::sketch:
      return blocks * sizeof(SketchBlock);
    case MatrixFormat::f32:
      return blocks * kTileRows * 4;
    default:
      return blocks * kTileRows * 2;
  }
}

/// Whether the kernels multiply this format with activations in digits of 8 bits (otherwise with
/// floats).
constexpr bool takes_int8(MatrixFormat format) {
  return format <= MatrixFormat::q6_k || format == MatrixFormat::i4_bf16 ||
         format == MatrixFormat::i4_f32;
}

}  // namespace gemma4
