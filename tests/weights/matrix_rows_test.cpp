// 4-bit codes with scales of their own: every weight is the formula's value, bit for bit, in the
// row that is packed and in the tile it is packed into.
#include "weights/matrix_rows.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "weights/block_formats.hpp"
#include "weights/coded_matrix.hpp"
#include "weights/packing.hpp"
#include "weights/weights.hpp"

namespace gemma4::test {
namespace {

void check_weights(const CodedMatrix& packed, TensorType expected_rows) {
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
    check_weights(CodedMatrix(16, 384, group, TensorType::bf16, true), TensorType::i4_bf16);
    check_weights(CodedMatrix(11, 384, group, TensorType::f16, true), TensorType::q4_0);
    check_weights(CodedMatrix(5, 384, group, TensorType::f32, true), TensorType::i4_f32);
  }
}

TEST_CASE("zero points widen a matrix, exactly") {
  for (const TensorType scale : {TensorType::bf16, TensorType::f16, TensorType::f32})
    check_weights(CodedMatrix(13, 128, 64, scale, false), TensorType::f32);
}

TEST_CASE("codes of a word stand lowest first") {
  CodedMatrix packed(1, 32, 32, TensorType::bf16, true);
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
