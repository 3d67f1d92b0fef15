// The scalar kernels: the definition that every other instruction set equals bit for bit.
#include "kernels/kernels.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/scalar/vec.hpp"

namespace gemma4::scalar {
namespace {

constexpr Isa kIsa = Isa::scalar;
constexpr int kScoreRows = 2, kScoreKeys = 1, kValueRows = 2, kValueVectors = 1;

// Each of these builds on those before it; the empty lines keep their order.
#include "kernels/generic/math.inl"

#include "kernels/generic/elementwise.inl"

#include "kernels/generic/float_matmul.inl"

// --- rule 2: 8-bit activations

/// d = amax / 127, q = round-half-even(x / d). A block without a normal d counts as zero; one that
/// holds an infinity or NaN gets d = NaN, so that the damage shows in every result it enters.
void quantize_block(const float* x, std::int8_t* codes, float* scale, std::int16_t* offset8,
                    std::int16_t* offset32) {
  std::uint32_t largest = 0;  // magnitudes compare like their bit patterns
  for (std::uint32_t i = 0; i < kBlock; ++i) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  float d = std::bit_cast<float>(largest) / 127.0f;
  bool zero = d < 0x1p-126f;
  if (largest > 0x7f7fffffu) {
    d = std::bit_cast<float>(0x7fc00000u);
    zero = true;
  } else if (zero) {
    d = 0.0f;
  }
  std::int16_t half[2][2] = {};  // [16 columns][columns 4s, 4s+1 | 4s+2, 4s+3]
  for (std::uint32_t i = 0; i < kBlock; ++i) {
    codes[i] = zero ? std::int8_t{0} : static_cast<std::int8_t>(std::nearbyint(x[i] / d));
    half[i / 16][i % 4 / 2] = static_cast<std::int16_t>(half[i / 16][i % 4 / 2] + codes[i]);
  }
  *scale = d;
  for (int h = 0; h < 2; ++h) {
    offset8[h] = static_cast<std::int16_t>(-8 * (half[0][h] + half[1][h]));
    offset32[h] = static_cast<std::int16_t>(-32 * half[0][h]);
    offset32[2 + h] = static_cast<std::int16_t>(-32 * half[1][h]);
  }
}

void quantize(const float* values, std::uint32_t rows, const Activations& a) {
  const std::uint64_t blocks = std::uint64_t{rows} * a.columns / kBlock;
  for (std::uint64_t b = 0; b < blocks; ++b) {
    quantize_block(values + b * kBlock, a.codes + b * kBlock, a.scale + b, a.offset8 + 2 * b,
                   a.offset32 + 4 * b);
  }
}

// --- exact integer sums of one row's block with one column's block; `block` counts 32 columns

std::int32_t q4_code(const Q4Block* blocks, std::uint32_t block, std::uint32_t row,
                     std::uint32_t k) {
  const std::uint8_t byte = blocks[block / 2].codes[block % 2][64 * (k % 16 / 4) + 4 * row + k % 4];
  return (k < 16 ? byte & 15 : byte >> 4) - 8;
}

std::int32_t q6_code(const Q6Block* blocks, std::uint32_t block, std::uint32_t row,
                     std::uint32_t k) {
  const Q6Block& b = blocks[block / 8];
  const std::uint8_t low = b.low[block % 8][64 * (k % 16 / 4) + 4 * row + k % 4];
  const std::uint8_t high = b.high[block % 8][64 * (k / 16) + 4 * row + k % 4];
  return ((k < 16 ? low & 15 : low >> 4) | (((high >> (2 * (k % 16 / 4))) & 3) << 4)) - 32;
}

struct Term {
  std::int32_t sum;
  float weight_scale;
};

Term block_term(MatrixFormat format, const std::byte* tile, std::uint32_t block, std::uint32_t row,
                const std::int8_t* q) {
  std::int32_t sum = 0;
  if (format == MatrixFormat::q4_0) {
    const Q4Block* blocks = reinterpret_cast<const Q4Block*>(tile);
    for (std::uint32_t k = 0; k < kBlock; ++k) sum += q4_code(blocks, block, row, k) * q[k];
    return {sum, half_to_float(blocks[block / 2].scale[block % 2][row])};
  }
  if (format == MatrixFormat::q8_0) {
    const Q8Block* blocks = reinterpret_cast<const Q8Block*>(tile);
    for (std::uint32_t k = 0; k < kBlock; ++k)
      sum += blocks[block / 2].codes[block % 2][64 * (k / 4) + 4 * row + k % 4] * q[k];
    return {sum, half_to_float(blocks[block / 2].scale[block % 2][row])};
  }
  const Q6Block* blocks = reinterpret_cast<const Q6Block*>(tile);
  for (std::uint32_t h = 0; h < 2; ++h) {  // each 16 columns have their own integer scale
    std::int32_t part = 0;
    for (std::uint32_t k = 16 * h; k < 16 * h + 16; ++k)
      part += q6_code(blocks, block, row, k) * q[k];
    sum += blocks[block / 8].sub_scale[block % 8 * 2 + h][row] * part;
  }
  return {sum, half_to_float(blocks[block / 8].scale[row])};
}

void matmul(MatrixFormat format, const std::byte* matrix, std::uint32_t tiles, const Activations& a,
            std::uint32_t count, float* y, std::uint64_t y_stride) {
  if (!takes_int8(format)) return matmul_floats(format, matrix, tiles, a, count, y, y_stride);
  const std::uint32_t blocks = a.columns / kBlock;
  const std::uint64_t bytes = tile_bytes(format, a.columns);
  for (std::uint32_t t = 0; t < tiles; ++t) {
    for (std::uint32_t c = 0; c < count; ++c) {
      for (std::uint32_t r = 0; r < kTileRows; ++r) {
        float sum = 0.0f;
        for (std::uint32_t b = 0; b < blocks; ++b) {
          const Term term = block_term(format, matrix + t * bytes, b, r,
                                       a.codes + std::uint64_t{c} * a.columns + b * kBlock);
          sum = std::fma(static_cast<float>(term.sum),
                         term.weight_scale * a.scale[std::uint64_t{c} * blocks + b], sum);
        }
        y[c * y_stride + std::uint64_t{t} * kTileRows + r] = sum;
      }
    }
  }
}

#include "kernels/generic/kv_rows.inl"

#include "kernels/generic/attention.inl"

}  // namespace

extern const Kernels kTable;
#include "kernels/generic/table.inl"

}  // namespace gemma4::scalar
