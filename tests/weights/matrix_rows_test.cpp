// 4-bit codes with scales of their own: every weight is the formula's value, bit for bit, in the
// row that is packed and in the tile it is packed into.
#include "weights/matrix_rows.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/half.hpp"
#include "io/safetensors_writer.hpp"
#include "kernels/random.hpp"
#include "weights/block_formats.hpp"
#include "weights/packing.hpp"
#include "weights/weights.hpp"

namespace gemma4::test {
namespace {

/// A random matrix as compressed-tensors stores one.
struct Packed {
  std::uint64_t rows, columns, group;
  TensorType type;
  std::vector<std::uint32_t> codes, zeros;
  std::string scales;

  Packed(std::uint64_t rows_, std::uint64_t columns_, std::uint64_t group_, TensorType type_,
         bool symmetric)
      : rows(rows_), columns(columns_), group(group_), type(type_) {
    Random random(rows * 31 + columns + group);
    for (std::uint64_t i = 0; i < rows * columns / 8; ++i)
      codes.push_back(static_cast<std::uint32_t>(random.bits()));
    for (std::uint64_t i = 0; i < rows * columns / group; ++i) append_scale(random.unit());
    for (std::uint64_t i = 0; !symmetric && i < (rows + 7) / 8 * (columns / group); ++i)
      zeros.push_back(static_cast<std::uint32_t>(random.bits()));
  }

  void append_scale(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, 4);
    if (type == TensorType::f32) scales += bytes_of<float>({value});
    if (type == TensorType::f16) scales += bytes_of<std::uint16_t>({float_to_half(value)});
    if (type == TensorType::bf16)
      scales += bytes_of<std::uint16_t>({static_cast<std::uint16_t>(bits >> 16)});
  }

  TensorView view() const {
    TensorView tensor;
    tensor.name = "w";
    tensor.type = TensorType::i4;
    tensor.dimensions = 2;
    tensor.ne = {columns, rows, 1, 1};
    tensor.bytes = std::as_bytes(std::span(codes));
    tensor.groups = {type, group, std::as_bytes(std::span(scales)),
                     std::as_bytes(std::span(zeros))};
    return tensor;
  }

  float scale(std::uint64_t row, std::uint64_t column) const {
    const std::uint64_t at = row * (columns / group) + column / group;
    const char* p = scales.data() + at * (type == TensorType::f32 ? 4 : 2);
    std::uint16_t half;
    std::memcpy(&half, p, 2);
    float value;
    if (type == TensorType::f32) std::memcpy(&value, p, 4);
    return type == TensorType::f32   ? value
           : type == TensorType::f16 ? half_to_float(half)
                                     : bf16_to_float(half);
  }

  /// The formula of the format's description.
  float weight(std::uint64_t o, std::uint64_t k) const {
    const int u = static_cast<int>(codes[o * (columns / 8) + (k >> 3)] >> (4 * (k & 7)) & 15);
    int z = 8;
    if (!zeros.empty())
      z = static_cast<int>(zeros[o / 8 * (columns / group) + k / group] >> (4 * (o % 8)) & 15);
    return static_cast<float>(u - z) * scale(o, k);
  }
};

void check_weights(const Packed& packed, TensorType expected_rows) {
  const TensorView tensor = packed.view();
  const TensorType type = row_type(tensor);
  CHECK(type == expected_rows);
  const std::uint64_t row_bytes = row_bytes_of(type, packed.columns);
  std::vector<std::byte> rows(16 * row_bytes);
  std::vector<float> found(packed.columns), expected(packed.columns), from_tile(packed.columns);
  for (std::uint64_t r = 0; r < packed.rows; ++r)
    copy_row(tensor, r, type, rows.data() + r * row_bytes);
  Matrix matrix{matrix_format_of(type), static_cast<std::uint32_t>(packed.rows),
                static_cast<std::uint32_t>(packed.columns), nullptr};
  const Buffer tile(matrix.bytes());
  pack_tile(type, rows.data(), row_bytes, matrix.rows, matrix.columns, tile.data());
  matrix.data = tile.data();
  for (std::uint64_t r = 0; r < packed.rows; ++r) {
    for (std::uint64_t k = 0; k < packed.columns; ++k) expected[k] = packed.weight(r, k);
    dequantize_row(type, {rows.data() + r * row_bytes, row_bytes}, found);
    read_row(matrix, static_cast<std::uint32_t>(r), from_tile);
    CHECK(same_bits(found, expected));
    CHECK(same_bits(from_tile, expected));
  }
}

}  // namespace

TEST_CASE("every weight of a group-quantised matrix is the formula's") {
  for (const std::uint64_t group : {32u, 64u, 128u, 384u}) {
    CAPTURE(group);
    check_weights(Packed(16, 384, group, TensorType::bf16, true), TensorType::i4_bf16);
    check_weights(Packed(11, 384, group, TensorType::f16, true), TensorType::q4_0);
    check_weights(Packed(5, 384, group, TensorType::f32, true), TensorType::i4_f32);
  }
}

TEST_CASE("zero points widen a matrix, exactly") {
  for (const TensorType scale : {TensorType::bf16, TensorType::f16, TensorType::f32})
    check_weights(Packed(13, 128, 64, scale, false), TensorType::f32);
}

TEST_CASE("codes of a word stand lowest first") {
  Packed packed(1, 32, 32, TensorType::bf16, true);
  packed.codes.assign(4, 0xFEA98710u);                // -8, -7, -1, 0, 1, 2, 6, 7
  packed.scales = bytes_of<std::uint16_t>({0x3f80});  // 1
  std::vector<std::byte> row(18);
  copy_row(packed.view(), 0, TensorType::i4_bf16, row.data());
  std::vector<float> found(32);
  dequantize_row(TensorType::i4_bf16, row, found);
  const float expected[] = {-8, -7, -1, 0, 1, 2, 6, 7};
  for (std::size_t i = 0; i < 32; ++i) CHECK(found[i] == expected[i % 8]);
}

}  // namespace gemma4::test
