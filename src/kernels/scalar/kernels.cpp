// The scalar kernels: the definition that every other instruction set equals bit for bit.
#include "kernels/kernels.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/scalar/vec.hpp"

namespace gemma4::scalar {
namespace {

constexpr Isa kIsa = Isa::scalar;
constexpr int kScoreRows = 2, kValueRows = 2, kValueVectors = 1, kCodeRows = 2, kCodeVectors = 1;

// Each of these builds on those before it; the empty lines keep their order.
#include "kernels/generic/math.inl"

#include "kernels/generic/elementwise.inl"

#include "kernels/generic/pages.inl"

#include "kernels/generic/float_matmul.inl"

// --- rule 2: activations in digits

/// One digit of a block and the terms made of their sums; `at` is their place.
void store_digit(const std::int32_t* q, float scale, const Activations& at) {
  std::int16_t half[2][2] = {};  // [16 columns][columns 4s, 4s+1 | 4s+2, 4s+3]
  for (std::uint32_t i = 0; i < kBlock; ++i) {
    at.codes[i] = static_cast<std::int8_t>(q[i]);
    half[i / 16][i % 4 / 2] = static_cast<std::int16_t>(half[i / 16][i % 4 / 2] + at.codes[i]);
  }
  *at.scale = scale;
  for (int h = 0; h < 2; ++h) {
    at.offset8[h] = static_cast<std::int16_t>(-8 * (half[0][h] + half[1][h]));
    at.offset32[h] = static_cast<std::int16_t>(-32 * half[0][h]);
    at.offset32[2 + h] = static_cast<std::int16_t>(-32 * half[1][h]);
  }
}

/// d = amax / largest code, q = round-half-even(x / d). A block without a normal d counts as zero;
/// one that holds an infinity or NaN gets d = NaN, so that the damage shows in every result it
/// enters.
void quantize_block(const float* x, const Activations& at) {
  std::uint32_t largest = 0;  // magnitudes compare like their bit patterns
  for (std::uint32_t i = 0; i < kBlock; ++i) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  float d = std::bit_cast<float>(largest) / largest_code(at.digits);
  bool zero = d < 0x1p-126f;
  if (largest > 0x7f7fffffu) {
    d = std::bit_cast<float>(0x7fc00000u);
    zero = true;
  } else if (zero) {
    d = 0.0f;
  }
  std::int32_t q[kBlock], first[kBlock];
  for (std::uint32_t i = 0; i < kBlock; ++i)
    q[i] = zero ? 0 : static_cast<std::int32_t>(std::nearbyint(x[i] / d));
  if (at.digits == 1) return store_digit(q, d, at);
  for (std::uint32_t i = 0; i < kBlock; ++i) {
    first[i] = first_digit(q[i]);
    q[i] -= kDigitBase * first[i];
  }
  store_digit(first, kDigitBase * d, at);
  store_digit(q, d, at.from_digits(1));
}

#include "kernels/generic/quantize.inl"

// --- exact integer sums of one row's block with one column's block; `block` counts 32 columns

template <typename Block>
std::int32_t q4_code(const Block* blocks, std::uint32_t block, std::uint32_t row, std::uint32_t k) {
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

template <typename Block>
Term four_bit_term(const std::byte* tile, std::uint32_t block, std::uint32_t row,
                   const std::int8_t* q) {
  const Block* blocks = reinterpret_cast<const Block*>(tile);
  std::int32_t sum = 0;
  for (std::uint32_t k = 0; k < kBlock; ++k) sum += q4_code(blocks, block, row, k) * q[k];
  return {sum, scale_value(blocks[block / 2].scale[block % 2][row])};
}

Term block_term(MatrixFormat format, const std::byte* tile, std::uint32_t block, std::uint32_t row,
                const std::int8_t* q) {
  if (format == MatrixFormat::q4_0) return four_bit_term<Q4Block>(tile, block, row, q);
  if (format == MatrixFormat::i4_bf16) return four_bit_term<I4Bf16Block>(tile, block, row, q);
  if (format == MatrixFormat::i4_f32) return four_bit_term<I4F32Block>(tile, block, row, q);
  std::int32_t sum = 0;
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

/// Row r of a tile times one row of digits: one chain over its blocks.
float row_times_digits(MatrixFormat format, const std::byte* tile, std::uint32_t r,
                       const Activations& digits) {
  float sum = 0.0f;
  for (std::uint32_t b = 0; b < digits.columns / kBlock; ++b) {
    const Term term = block_term(format, tile, b, r, digits.codes + std::uint64_t{b} * kBlock);
    sum = std::fma(static_cast<float>(term.sum), term.weight_scale * digits.scale[b], sum);
  }
  return sum;
}

void matmul(MatrixFormat format, const std::byte* matrix, std::uint32_t tiles, const Activations& a,
            std::uint32_t count, float* y, std::uint64_t y_stride) {
  if (!takes_int8(format)) return matmul_floats(format, matrix, tiles, a, count, y, y_stride);
  const std::uint64_t bytes = tile_bytes(format, a.columns);
  for (std::uint32_t t = 0; t < tiles; ++t) {
    for (std::uint32_t c = 0; c < count; ++c) {
      const Activations first = a.from(c), second = first.from_digits(1);
      for (std::uint32_t r = 0; r < kTileRows; ++r) {
        float& out = y[c * y_stride + std::uint64_t{t} * kTileRows + r];
        out = row_times_digits(format, matrix + t * bytes, r, first);
        if (a.digits == 2) out += row_times_digits(format, matrix + t * bytes, r, second);
      }
    }
  }
}

// --- sketches

Vec block_sums(const std::uint8_t* codes, const std::int8_t* query, std::int32_t offset) {
  return each([&](int r) {
    std::int32_t sum = 0;
    for (std::uint32_t k = 0; k < kSketchColumns; ++k) {
      const int byte = codes[64 * (k / 16) + 4 * static_cast<std::uint32_t>(r) + k % 4];
      sum += (byte >> (2 * (k % 16 / 4)) & 3) * query[k];
    }
    return static_cast<float>(2 * sum + offset);
  });
}

#include "kernels/generic/sketch.inl"

#include "kernels/generic/kv_rows.inl"

#include "kernels/scalar/pairs.inl"

#include "kernels/generic/ahead.inl"

#include "kernels/generic/value_codes.inl"

#include "kernels/generic/attention.inl"

}  // namespace

extern const Kernels kTable;
#include "kernels/generic/table.inl"

}  // namespace gemma4::scalar
