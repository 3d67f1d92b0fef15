#include "weights/packing.hpp"

#include <cstring>

#include "weights/block_formats.hpp"
#include "weights/weights.hpp"

namespace gemma4 {
namespace {

/// Q4_0, its like and Q8_0: blocks of one scale and `Steps` groups of 4 code bytes, which the tile
/// takes over unchanged: byte j of a Q4_0 block holds columns j and j + 16, just what the tile
/// wants in one byte.
template <typename Block, std::uint32_t Steps>
void pack_pairs(const std::byte* source, std::uint64_t row_bytes, std::uint32_t rows,
                std::uint32_t columns, std::byte* tile) {
  constexpr std::size_t kScale = sizeof(Block::scale[0][0]);
  constexpr std::uint64_t kSourceBlock = kScale + 4 * Steps;
  Block* out = reinterpret_cast<Block*>(tile);
  const std::uint32_t blocks = columns / kBlock;
  if (rows < kTileRows || blocks % 2 != 0)
    std::memset(static_cast<void*>(out), 0, (blocks + 1) / 2 * sizeof(Block));
  for (std::uint32_t b = 0; b < blocks; ++b) {
    auto* codes = reinterpret_cast<unsigned char*>(out[b / 2].codes[b % 2]);
    for (std::uint32_t r = 0; r < rows; ++r) {
      const std::byte* in = source + r * row_bytes + b * kSourceBlock;
      std::memcpy(&out[b / 2].scale[b % 2][r], in, kScale);
      for (std::uint32_t s = 0; s < Steps; ++s)
        std::memcpy(codes + 64 * s + 4 * r, in + kScale + 4 * s, 4);
    }
  }
}

/// The 6-bit codes of one Q6_K super-block, in column order (gguf: { ql[128], qh[64], scales[16], d
/// }).
void q6_codes(const unsigned char* in, unsigned char (&codes)[256]) {
  for (std::uint32_t h = 0; h < 2; ++h) {
    const unsigned char* low = in + 64 * h;
    const unsigned char* high = in + 128 + 32 * h;
    unsigned char* out = codes + 128 * h;
    for (std::uint32_t l = 0; l < 32; ++l) {
      out[l] = static_cast<unsigned char>((low[l] & 15) | ((high[l] & 3) << 4));
      out[l + 32] = static_cast<unsigned char>((low[l + 32] & 15) | (((high[l] >> 2) & 3) << 4));
      out[l + 64] = static_cast<unsigned char>((low[l] >> 4) | (((high[l] >> 4) & 3) << 4));
      out[l + 96] = static_cast<unsigned char>((low[l + 32] >> 4) | ((high[l] >> 6) << 4));
    }
  }
}

void pack_q6_row(const unsigned char* in, std::uint32_t row, Q6Block& out) {
  unsigned char codes[256];
  q6_codes(in, codes);
  for (std::uint32_t b = 0; b < 8; ++b) {
    const unsigned char* c = codes + 32 * b;
    for (std::uint32_t k = 0; k < 16; ++k) {
      out.low[b][64 * (k / 4) + 4 * row + k % 4] =
          static_cast<std::uint8_t>((c[k] & 15) | ((c[k + 16] & 15) << 4));
    }
    for (std::uint32_t h = 0; h < 2; ++h) {
      for (std::uint32_t j = 0; j < 4; ++j) {
        const unsigned char* f = c + 16 * h + j;
        out.high[b][64 * h + 4 * row + j] = static_cast<std::uint8_t>(
            (f[0] >> 4) | (f[4] >> 4 << 2) | (f[8] >> 4 << 4) | (f[12] >> 4 << 6));
      }
    }
  }
  for (std::uint32_t s = 0; s < 16; ++s)
    out.sub_scale[s][row] = static_cast<std::int8_t>(in[192 + s]);
  std::memcpy(&out.scale[row], in + 208, 2);
}

void pack_q6(const std::byte* source, std::uint64_t row_bytes, std::uint32_t rows,
             std::uint32_t columns, std::byte* tile) {
  Q6Block* out = reinterpret_cast<Q6Block*>(tile);
  if (rows < kTileRows) std::memset(static_cast<void*>(out), 0, columns / 256 * sizeof(Q6Block));
  for (std::uint32_t b = 0; b < columns / 256; ++b) {
    for (std::uint32_t r = 0; r < rows; ++r) {
      pack_q6_row(
          reinterpret_cast<const unsigned char*>(source) + r * row_bytes + std::uint64_t{b} * 210,
          r, out[b]);
    }
  }
}

template <typename Block>
void read_four_bit_row(const std::byte* tile, std::uint32_t r, std::span<float> out) {
  for (std::uint32_t k = 0; k < out.size(); ++k) {
    const std::uint32_t b = k / kBlock, i = k % kBlock;
    const Block& block = reinterpret_cast<const Block*>(tile)[b / 2];
    const int byte = block.codes[b % 2][64 * (i % 16 / 4) + 4 * r + i % 4];
    out[k] = scale_value(block.scale[b % 2][r]) *
             static_cast<float>((i < 16 ? byte & 15 : byte >> 4) - 8);
  }
}

void read_q8_row(const std::byte* tile, std::uint32_t r, std::span<float> out) {
  for (std::uint32_t k = 0; k < out.size(); ++k) {
    const std::uint32_t b = k / kBlock, i = k % kBlock;
    const Q8Block& block = reinterpret_cast<const Q8Block*>(tile)[b / 2];
    out[k] = scale_value(block.scale[b % 2][r]) *
             static_cast<float>(block.codes[b % 2][64 * (i / 4) + 4 * r + i % 4]);
  }
}

void read_q6_row(const std::byte* tile, std::uint32_t r, std::span<float> out) {
  for (std::uint32_t k = 0; k < out.size(); ++k) {
    const Q6Block& block = reinterpret_cast<const Q6Block*>(tile)[k / 256];
    const std::uint32_t b = k % 256 / 32, i = k % 32;
    const int low = block.low[b][64 * (i % 16 / 4) + 4 * r + i % 4];
    const int high = block.high[b][64 * (i / 16) + 4 * r + i % 4] >> (2 * (i % 16 / 4)) & 3;
    const int code = ((i < 16 ? low & 15 : low >> 4) | high << 4) - 32;
    out[k] = half_to_float(block.scale[r]) *
             static_cast<float>(block.sub_scale[2 * b + i / 16][r]) * static_cast<float>(code);
  }
}

}  // namespace

MatrixFormat matrix_format_of(TensorType type) noexcept {
  switch (type) {
    case TensorType::q4_0:
      return MatrixFormat::q4_0;
    case TensorType::i4_bf16:
      return MatrixFormat::i4_bf16;
    case TensorType::i4_f32:
      return MatrixFormat::i4_f32;
    case TensorType::q8_0:
      return MatrixFormat::q8_0;
    case TensorType::q6_k:
      return MatrixFormat::q6_k;
    case TensorType::f16:
      return MatrixFormat::f16;
    case TensorType::bf16:
      return MatrixFormat::bf16;
    default:
      return MatrixFormat::f32;
  }
}

const char* matrix_format_name(MatrixFormat format) noexcept {
  for (const TensorType type :
       {TensorType::q4_0, TensorType::q8_0, TensorType::q6_k, TensorType::f32, TensorType::f16,
        TensorType::bf16, TensorType::i4_bf16, TensorType::i4_f32}) {
    if (matrix_format_of(type) == format) return tensor_type_name(type);
  }
  return "unknown format";
}

TensorType tile_type(MatrixFormat format) noexcept {
  return static_cast<TensorType>(static_cast<std::uint32_t>(TensorType::q4_0x16) +
                                 static_cast<std::uint32_t>(format));
}

std::optional<MatrixFormat> tile_format(TensorType type) noexcept {
  for (const MatrixFormat format :
       {MatrixFormat::q4_0, MatrixFormat::q8_0, MatrixFormat::q6_k, MatrixFormat::f32,
        MatrixFormat::f16, MatrixFormat::bf16, MatrixFormat::i4_bf16, MatrixFormat::i4_f32}) {
    if (tile_type(format) == type) return format;
  }
  return std::nullopt;
}

std::uint32_t column_multiple(MatrixFormat format) noexcept {
  return format == MatrixFormat::q6_k ? 256 : takes_int8(format) ? kBlock : 1;
}

void pack_tile(TensorType type, const std::byte* source, std::uint64_t row_bytes,
               std::uint32_t rows, std::uint32_t columns, std::byte* tile) noexcept {
  switch (matrix_format_of(type)) {
    case MatrixFormat::q4_0:
      return pack_pairs<Q4Block, 4>(source, row_bytes, rows, columns, tile);
    case MatrixFormat::i4_bf16:
      return pack_pairs<I4Bf16Block, 4>(source, row_bytes, rows, columns, tile);
    case MatrixFormat::i4_f32:
      return pack_pairs<I4F32Block, 4>(source, row_bytes, rows, columns, tile);
    case MatrixFormat::q8_0:
      return pack_pairs<Q8Block, 8>(source, row_bytes, rows, columns, tile);
    case MatrixFormat::q6_k:
      return pack_q6(source, row_bytes, rows, columns, tile);
    case MatrixFormat::f32: {
      float* out = reinterpret_cast<float*>(tile);
      for (std::uint32_t r = 0; r < kTileRows; ++r) {
        const std::span<float> row(out + std::uint64_t{r} * columns, columns);
        if (r < rows)
          dequantize_row(type, {source + r * row_bytes, row_bytes}, row);
        else
          std::memset(row.data(), 0, row.size_bytes());
      }
      return;
    }
    default: {  // 16-bit floats stay as they are
      std::memcpy(tile, source, rows * row_bytes);
      std::memset(tile + rows * row_bytes, 0, (kTileRows - rows) * row_bytes);
    }
  }
}

void read_row(const Matrix& matrix, std::uint32_t row, std::span<float> out) noexcept {
  const std::byte* tile = matrix.data + row / kTileRows * tile_bytes(matrix.format, matrix.columns);
  const std::uint32_t r = row % kTileRows;
  switch (matrix.format) {
    case MatrixFormat::q4_0:
      return read_four_bit_row<Q4Block>(tile, r, out);
    case MatrixFormat::i4_bf16:
      return read_four_bit_row<I4Bf16Block>(tile, r, out);
    case MatrixFormat::i4_f32:
      return read_four_bit_row<I4F32Block>(tile, r, out);
    case MatrixFormat::q8_0:
      return read_q8_row(tile, r, out);
    case MatrixFormat::q6_k:
      return read_q6_row(tile, r, out);
    case MatrixFormat::f32:
      return dequantize_row(TensorType::f32,
                            {tile + std::uint64_t{r} * out.size() * 4, out.size() * 4}, out);
    default:
      dequantize_row(matrix.format == MatrixFormat::f16 ? TensorType::f16 : TensorType::bf16,
                     {tile + std::uint64_t{r} * out.size() * 2, out.size() * 2}, out);
  }
}

}  // namespace gemma4
