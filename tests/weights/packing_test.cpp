// Packing: every weight comes back out of its tile with the value the file says, also from ragged
// matrices.
#include "weights/packing.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "kernels/random.hpp"
#include "weights/block_formats.hpp"
#include "weights/weights.hpp"

namespace gemma4::test {

TEST_CASE("a packed row reads back exactly") {
  for (const TensorType type :
       {TensorType::q4_0, TensorType::q8_0, TensorType::q6_k, TensorType::f32, TensorType::f16,
        TensorType::bf16, TensorType::i4_bf16, TensorType::i4_f32, TensorType::q4_1,
        TensorType::q5_0, TensorType::q5_1, TensorType::q4_k, TensorType::q5_k}) {
    const TensorTypeTraits& traits = *tensor_type_traits(type);
    for (const std::uint32_t blocks : {1u, 2u, 3u}) {
      const std::uint32_t columns = std::max(32u, traits.block_elements) * blocks, rows = 16 + 5;
      const std::uint64_t row_bytes =
          std::uint64_t{columns} / traits.block_elements * traits.block_bytes;
      Random random(std::uint64_t(type) * 10 + blocks);
      std::vector<std::byte> source(rows * row_bytes);
      for (std::byte& b : source)
        b = static_cast<std::byte>(random.bits() & 0x3b);  // no bit pattern of infinity or NaN
      Matrix matrix{matrix_format_of(type), rows, columns, nullptr};
      Buffer memory(matrix.bytes());
      for (std::uint32_t t = 0; t < 2; ++t) {
        pack_tile(type, source.data() + t * 16 * row_bytes, row_bytes, t == 0 ? 16 : 5, columns,
                  memory.data() + t * matrix.bytes() / 2);
      }
      matrix.data = memory.data();
      std::vector<float> expected(columns), found(columns);
      for (std::uint32_t row = 0; row < rows; ++row) {
        dequantize_row(type, {source.data() + row * row_bytes, row_bytes}, expected);
        read_row(matrix, row, found);
        CHECK(same_bits(expected, found));
      }
      read_row(matrix, 31, found);  // padding
      for (const float x : found) CHECK(x == 0.0f);
    }
  }
}

TEST_CASE("a product with unit columns gives the matrix back") {
  // a column that is 127 in one place has scale 1 and code 127 there: y = 127 * weight, exactly up
  // to the rounding of d * 1 * isum
  const Kernels& kernels = *find_kernels(Isa::scalar);
  for (const TensorType type : {TensorType::q4_0, TensorType::q8_0, TensorType::q6_k,
                                TensorType::i4_bf16, TensorType::i4_f32}) {
    const TensorTypeTraits& traits = *tensor_type_traits(type);
    const std::uint32_t columns = 256;
    const std::uint64_t row_bytes =
        std::uint64_t{columns} / traits.block_elements * traits.block_bytes;
    Random random(4);
    std::vector<std::byte> source(16 * row_bytes);
    for (std::byte& b : source) b = static_cast<std::byte>(random.bits() & 0x3b);
    Buffer tile(tile_bytes(matrix_format_of(type), columns));
    pack_tile(type, source.data(), row_bytes, 16, columns, tile.data());
    for (const std::uint32_t k : {0u, 1u, 5u, 15u, 16u, 31u, 32u, 63u, 100u, 255u}) {
      std::vector<float> unit(columns, 0.0f), y(16), row(columns);
      unit[k] = 127.0f;
      const Batch batch(kernels, unit, columns);
      kernels.matmul(matrix_format_of(type), tile.data(), 1, batch.get(), 1, y.data(), 16);
      for (std::uint32_t r = 0; r < 16; ++r) {
        dequantize_row(type, {source.data() + r * row_bytes, row_bytes}, row);
        CHECK(y[r] == doctest::Approx(127.0f * row[k]).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("a packed file's types are the formats' tiles") {
  for (const MatrixFormat format :
       {MatrixFormat::q4_0, MatrixFormat::q8_0, MatrixFormat::q6_k, MatrixFormat::f32,
        MatrixFormat::f16, MatrixFormat::bf16, MatrixFormat::i4_bf16, MatrixFormat::i4_f32,
        MatrixFormat::sketch}) {
    // a sketch is no matrix to multiply
    CHECK((tile_format(tile_type(format)) == format) == (format != MatrixFormat::sketch));
    const TensorTypeTraits* traits = tensor_type_traits(tile_type(format));
    REQUIRE(traits != nullptr);
    CHECK(traits->block_rows == kTileRows);
    for (std::uint32_t columns = 1; columns < 1000; ++columns) {
      const std::uint64_t blocks = (columns + traits->block_elements - 1) / traits->block_elements;
      REQUIRE(tile_bytes(format, columns) == blocks * traits->block_bytes);
    }
  }
  CHECK(!tile_format(TensorType::q4_0));
  for (const TensorType type :
       {TensorType::q4_0, TensorType::q8_0, TensorType::q6_k, TensorType::f32, TensorType::f16,
        TensorType::bf16, TensorType::i4_bf16, TensorType::i4_f32})
    CHECK(column_multiple(matrix_format_of(type)) == tensor_type_traits(type)->block_elements);
}

}  // namespace gemma4::test
