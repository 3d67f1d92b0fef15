// Sketches: what two bits keep of a row, for every type of rows.
#include "weights/sketch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/buffer.hpp"
#include "kernels/random.hpp"
#include "weights/block_formats.hpp"
#include "weights/matrix_rows.hpp"
#include "weights/synthetic_model.hpp"

namespace gemma4::test {
namespace {

/// What a sketch stands for.
std::vector<float> read_sketch(const std::byte* tile, std::uint32_t row, std::uint32_t columns) {
  std::vector<float> out(columns);
  for (std::uint32_t k = 0; k < columns; ++k) {
    const SketchBlock& block = reinterpret_cast<const SketchBlock*>(tile)[k / kSketchColumns];
    const std::uint32_t i = k % kSketchColumns;
    const int byte = block.codes[64 * (i / 16) + 4 * row + i % 4];
    out[k] = block.scale[row] * static_cast<float>(2 * (byte >> (2 * (i % 16 / 4)) & 3) - 3);
  }
  return out;
}

struct Sketched {
  Sketched(TensorType type, const std::string& source, std::uint32_t rows, std::uint32_t columns)
      : tile(tile_bytes(MatrixFormat::sketch, columns)) {
    std::memset(tile.data(), 0x5a, tile.size_bytes());
    sketch_tile(type, reinterpret_cast<const std::byte*>(source.data()),
                row_bytes_of(type, columns), rows, columns, tile.data());
  }
  Buffer tile;
};

}  // namespace

TEST_CASE("two bits keep the direction of a row, whatever its type") {
  for (const TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q4_0, TensorType::q8_0,
        TensorType::q6_k, TensorType::q4_k}) {
    for (const std::uint32_t columns : {256u, 1024u, type == TensorType::q4_0 ? 416u : 768u}) {
      CAPTURE(std::string(tensor_type_name(type)));
      CAPTURE(columns);
      Random random(columns);
      const std::uint32_t rows = 13;
      const std::string source = SyntheticModel::random_data(random, {columns, rows}, type, false);
      const Sketched sketch(type, source, rows, columns);
      std::vector<float> exact(columns);
      const std::uint64_t bytes = row_bytes_of(type, columns);
      for (std::uint32_t row = 0; row < rows; ++row) {
        dequantize_row(type,
                       {reinterpret_cast<const std::byte*>(source.data()) + row * bytes,
                        static_cast<std::size_t>(bytes)},
                       exact);
        const std::vector<float> kept = read_sketch(sketch.tile.data(), row, columns);
        double error = 0, size = 0;
        for (std::uint32_t k = 0; k < columns; ++k) {
          error += (kept[k] - exact[k]) * (kept[k] - exact[k]);
          size += exact[k] * exact[k];
        }
        // of normally distributed numbers two bits lose 0.119 of the square; some types' random
        // blocks differ in size by more than a row of weights does
        CHECK(error < 0.5 * size);
        if (type == TensorType::f32) CHECK(error < 0.12 * size);
      }
      for (std::uint32_t row = rows; row < kTileRows; ++row) {
        for (const float x : read_sketch(sketch.tile.data(), row, columns)) CHECK(x == 0.0f);
      }
    }
  }
}

TEST_CASE("levels, thresholds and the least error's scale") {
  // root mean square 3.0101, so the thresholds are at 0 and 0.9957 * 3.0101 = 2.997
  std::string source;
  for (int i = 0; i < 64; ++i) {
    for (const float x : {-3.03f, -2.99f, 2.99f, 3.03f}) append_number(source, x);
  }
  const Sketched sketch(TensorType::f32, source, 1, 256);
  const float scale = (2 * 3.03f * 3 + 2 * 2.99f) / (2 * 9 + 2);
  const std::vector<float> kept = read_sketch(sketch.tile.data(), 0, 256);
  for (std::size_t k = 0; k < 256; k += 4) {
    CHECK(kept[k] == doctest::Approx(-3 * scale));
    CHECK(kept[k + 1] == doctest::Approx(-scale));
    CHECK(kept[k + 2] == doctest::Approx(scale));
    CHECK(kept[k + 3] == doctest::Approx(3 * scale));
  }
}

TEST_CASE("rows of zeros and rows with numbers that are none") {
  const std::string zeros(256 * 4, '\0');
  for (const float x : read_sketch(Sketched(TensorType::f32, zeros, 1, 256).tile.data(), 0, 256))
    CHECK(x == 0.0f);
  std::string damaged = zeros;
  const float nan = NAN;
  std::memcpy(damaged.data() + 40, &nan, sizeof nan);
  const Sketched sketch(TensorType::f32, damaged, 1, 256);  // damage stays in its row
  CHECK(std::isnan(read_sketch(sketch.tile.data(), 0, 256)[0]));
  CHECK(read_sketch(sketch.tile.data(), 1, 256)[0] == 0.0f);
}

TEST_CASE("a query: the largest number has the largest code, whatever it is") {
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    std::vector<float> x = random.floats(416);
    x[37] = (i % 2 == 0 ? 40.0f : -40.0f) * (1.0f + 0.5f * random.unit());
    std::vector<std::int8_t> codes(512, 99);
    std::vector<std::int32_t> offset(2, 99);
    sketch_query(x, codes, offset);
    REQUIRE(codes[37] == (i % 2 == 0 ? 127 : -127));
    std::int32_t sum[2] = {};
    for (std::size_t k = 0; k < 512; ++k) {
      sum[k / 256] += codes[k];
      const float exact = k < 416 ? 127.0f * x[k] / std::fabs(x[37]) : 0.0f;
      REQUIRE(std::fabs(static_cast<float>(codes[k]) - exact) < 0.501f);
    }
    REQUIRE(offset == std::vector<std::int32_t>{-3 * sum[0], -3 * sum[1]});
  }
  for (const float bad : {0.0f, 1e-38f, INFINITY, NAN}) {
    std::vector<float> x(256, bad);
    std::vector<std::int8_t> codes(256, 99);
    std::vector<std::int32_t> offset(1, 99);
    sketch_query(x, codes, offset);
    CHECK(codes == std::vector<std::int8_t>(256));
    CHECK(offset[0] == 0);
  }
}

TEST_CASE("scores are the products of a row with its sketch, padding and all") {
  Random random(8);
  const std::uint32_t columns = 416;
  const std::string source =
      SyntheticModel::random_data(random, {columns, 16}, TensorType::f32, false);
  const Sketched sketch(TensorType::f32, source, 16, columns);
  const std::vector<float> x = random.floats(columns);
  std::vector<std::int8_t> codes(512);
  std::vector<std::int32_t> offset(2);
  sketch_query(x, codes, offset);
  double largest = 0, expected = -INFINITY;
  for (const float value : x) largest = std::max(largest, std::fabs(double{value}));
  for (std::uint32_t row = 0; row < 16; ++row) {
    const std::vector<float> kept = read_sketch(sketch.tile.data(), row, columns);
    double product = 0;
    for (std::uint32_t k = 0; k < columns; ++k) product += double{kept[k]} * x[k];
    expected = std::max(expected, product * 127 / largest);
  }
  float best = 0;
  find_kernels(Isa::automatic)
      ->match(sketch.tile.data(), 1, {2, codes.data(), offset.data()}, &best);
  CHECK(best == doctest::Approx(expected).epsilon(0.01));
}

TEST_CASE("of many rows a sketch finds the one that a row was made for") {
  // A step takes a 64th of the tiles. A row whose product stands out by 5 standard deviations,
  // while the largest of all others is at 4, is among the best 256th.
  Random random(21);
  const std::uint32_t columns = 256, tiles = 4096;
  const auto normal = [&] {
    float sum = 0;
    for (int i = 0; i < 4; ++i) sum += random.unit();
    return sum * 0.866f;
  };
  std::vector<float> x(columns);
  float size = 0;
  for (float& value : x) value = normal(), size += value * value;
  std::vector<std::int8_t> codes(columns);
  std::vector<std::int32_t> offset(1);
  sketch_query(x, codes, offset);
  const Kernels& kernels = *find_kernels(Isa::automatic);
  std::vector<float> best(tiles);
  std::string source;
  for (std::uint32_t t = 0; t < tiles; ++t) {
    source.clear();
    for (std::uint32_t k = 0; k < 16 * columns; ++k) {
      const float more = t == 3000 && k < columns ? 5.0f * x[k] / std::sqrt(size) : 0.0f;
      append_number(source, normal() + more);
    }
    const Sketched sketch(TensorType::f32, source, 16, columns);
    kernels.match(sketch.tile.data(), 1, {1, codes.data(), offset.data()}, &best[t]);
  }
  const auto better =
      std::count_if(best.begin(), best.end(), [&](float b) { return b > best[3000]; });
  CHECK(better < 16);
}

}  // namespace gemma4::test
