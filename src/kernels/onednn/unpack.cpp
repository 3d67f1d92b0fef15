#include "kernels/onednn/unpack.hpp"

#include <bit>
#include <cstring>

#include "base/half.hpp"

namespace gemma4 {
namespace {

std::uint16_t bf16_of(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return static_cast<std::uint16_t>(nan ? (bits >> 16) | 0x40u : rounded);
}

/// As half_to_float, with masks for branches: compilers make vectors of it. The product is exact.
float half_value(std::uint16_t h) {
  const std::int32_t bits = (h & 0x7fff) << 13, infinity = 0x7c00 << 13;
  const std::uint32_t special = 0u - static_cast<std::uint32_t>(bits >= infinity),
                      nan = 0u - static_cast<std::uint32_t>(bits > infinity);
  const std::uint32_t finite = std::bit_cast<std::uint32_t>(std::bit_cast<float>(bits) * 0x1p112f);
  const std::uint32_t other = static_cast<std::uint32_t>(bits) | 0x7f800000u | (nan & 0x00400000u);
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000) << 16;
  return std::bit_cast<float>(sign | (finite & ~special) | (other & special));
}

void store(const float* x, std::uint32_t count, float* out) {
  std::memcpy(out, x, count * sizeof(float));
}

void store(const float* x, std::uint32_t count, std::uint16_t* out) {
  for (std::uint32_t i = 0; i < count; ++i) out[i] = bf16_of(x[i]);
}

/// 16 bytes of row r from four steps of 16 rows x 4 columns.
void take_steps(const void* codes, std::uint32_t r, std::uint8_t* out) {
  for (std::uint32_t s = 0; s < 4; ++s)
    std::memcpy(out + 4 * s, static_cast<const std::uint8_t*>(codes) + 64 * s + 4 * r, 4);
}

// 32 columns of row r: block b of a tile's stored block.

template <typename Scale>
void values(const FourBitBlock<Scale>& block, std::uint32_t b, std::uint32_t r, float* out) {
  const float scale = scale_value(block.scale[b][r]);
  std::uint8_t bytes[16];
  take_steps(block.codes[b], r, bytes);
  for (int i = 0; i < 16; ++i) out[i] = scale * static_cast<float>((bytes[i] & 15) - 8);
  for (int i = 0; i < 16; ++i) out[16 + i] = scale * static_cast<float>((bytes[i] >> 4) - 8);
}

void values(const Q8Block& block, std::uint32_t b, std::uint32_t r, float* out) {
  const float scale = half_to_float(block.scale[b][r]);
  std::uint8_t bytes[32];
  take_steps(block.codes[b], r, bytes);
  take_steps(block.codes[b] + 256, r, bytes + 16);
  for (int i = 0; i < 32; ++i)
    out[i] = scale * static_cast<float>(static_cast<std::int8_t>(bytes[i]));
}

void values(const Q6Block& block, std::uint32_t b, std::uint32_t r, float* out) {
  std::uint8_t low[16];
  take_steps(block.low[b], r, low);
  const float scale = half_to_float(block.scale[r]);
  for (std::uint32_t h = 0; h < 2; ++h) {
    const float sub = scale * static_cast<float>(block.sub_scale[2 * b + h][r]);
    std::uint8_t high[16];
    for (std::uint32_t s = 0; s < 4; ++s) {
      for (std::uint32_t j = 0; j < 4; ++j)
        high[4 * s + j] = block.high[b][64 * h + 4 * r + j] >> (2 * s) & 3;
    }
    for (int i = 0; i < 16; ++i) {
      const int nibble = h == 0 ? low[i] & 15 : low[i] >> 4;
      out[16 * h + i] = sub * static_cast<float>((nibble | high[i] << 4) - 32);
    }
  }
}

template <typename Block, typename Out>
void unpack_blocks(MatrixFormat format, const std::byte* tile, std::uint32_t columns, Out* out) {
  const std::uint32_t stored = stored_block_columns(format) / kBlock;
  for (std::uint32_t b = 0; b < columns / kBlock; ++b) {
    Block const& block = reinterpret_cast<const Block*>(tile)[b / stored];
    for (std::uint32_t r = 0; r < kTileRows; ++r) {
      float x[kBlock];
      values(block, b % stored, r, x);
      store(x, kBlock, out + std::uint64_t{r} * columns + b * kBlock);
    }
  }
}

template <typename Out>
void unpack_floats(MatrixFormat format, const std::byte* tile, std::uint32_t columns, Out* out) {
  const std::uint64_t count = std::uint64_t{kTileRows} * columns;  // of whole blocks
  float x[kBlock];
  std::uint16_t bits[kBlock];
  for (std::uint64_t at = 0; at < count; at += kBlock) {
    if (format == MatrixFormat::f32) {
      std::memcpy(x, tile + 4 * at, sizeof x);
    } else {
      std::memcpy(bits, tile + 2 * at, sizeof bits);
      if (format == MatrixFormat::f16) {
        for (std::uint32_t i = 0; i < kBlock; ++i) x[i] = half_value(bits[i]);
      } else {
        for (std::uint32_t i = 0; i < kBlock; ++i) x[i] = bf16_to_float(bits[i]);
      }
    }
    store(x, kBlock, out + at);
  }
}

template <typename Out>
void unpack(MatrixFormat format, const std::byte* tile, std::uint32_t columns, Out* out) {
  switch (format) {
    case MatrixFormat::q4_0:
      return unpack_blocks<Q4Block>(format, tile, columns, out);
    case MatrixFormat::i4_bf16:
      return unpack_blocks<I4Bf16Block>(format, tile, columns, out);
    case MatrixFormat::i4_f32:
      return unpack_blocks<I4F32Block>(format, tile, columns, out);
    case MatrixFormat::q8_0:
      return unpack_blocks<Q8Block>(format, tile, columns, out);
    case MatrixFormat::q6_k:
      return unpack_blocks<Q6Block>(format, tile, columns, out);
    default:
      return unpack_floats(format, tile, columns, out);
  }
}

}  // namespace

void unpack_tile(MatrixFormat format, const std::byte* tile, std::uint32_t columns, float* out) {
  unpack(format, tile, columns, out);
}

void unpack_tile(MatrixFormat format, const std::byte* tile, std::uint32_t columns,
                 std::uint16_t* out) {
  unpack(format, tile, columns, out);
}

void narrow(const float* x, std::uint64_t count, std::uint16_t* out) {
  for (std::uint64_t i = 0; i < count; ++i) out[i] = bf16_of(x[i]);
}

}  // namespace gemma4
