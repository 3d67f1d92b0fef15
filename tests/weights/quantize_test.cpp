// Quantising: the reference's rounding by hand, and what comes back.
#include "weights/quantize.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/half.hpp"
#include "kernels/random.hpp"
#include "weights/block_formats.hpp"
#include "weights/matrix_rows.hpp"

namespace gemma4::test {
namespace {

std::vector<std::byte> quantized(TensorType type, const std::vector<float>& row) {
  std::vector<std::byte> out(row_bytes_of(type, row.size()));
  quantize_row(type, row, out.data());
  return out;
}

std::vector<float> back(TensorType type, const std::vector<float>& row) {
  std::vector<float> out(row.size());
  dequantize_row(type, quantized(type, row), out);
  return out;
}

double relative_error(TensorType type) {
  Random random(5);
  const std::vector<float> row = random.floats(4096, 2.0f), found = back(type, row);
  double lost = 0, all = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    lost += std::pow(double(row[i]) - double(found[i]), 2);
    all += std::pow(double(row[i]), 2);
  }
  return std::sqrt(lost / all);
}

}  // namespace

TEST_CASE("Q4_0: the largest magnitude becomes -8, the rest is rounded half up") {
  std::vector<float> row(32, 0.0f);
  row[0] = -4.0f;   // d = 0.5
  row[1] = 3.9f;    // 7.8 + 8.5: 16, at most 15
  row[2] = 0.25f;   // 0.5 + 8.5: 9
  row[3] = -0.25f;  // -0.5 + 8.5: 8
  row[16] = 1.0f;
  const std::vector<std::byte> block = quantized(TensorType::q4_0, row);
  CHECK(block[0] == std::byte{0x00});
  CHECK(block[1] == std::byte{0x38});  // 0.5
  CHECK(block[2] == std::byte{0xa0});
  CHECK(block[3] == std::byte{0x8f});
  CHECK(block[4] == std::byte{0x89});
  CHECK(block[5] == std::byte{0x88});
  row[0] = 4.0f;  // the scale has the sign that makes the extreme -8
  CHECK(quantized(TensorType::q4_0, row)[1] == std::byte{0xb8});
}

TEST_CASE("Q8_0: halves away from zero") {
  std::vector<float> row(32, 0.0f);
  row[0] = 127.0f, row[1] = 0.5f, row[2] = -1.5f, row[3] = -127.0f;
  const std::vector<std::byte> block = quantized(TensorType::q8_0, row);
  const int codes[] = {127, 1, -2, -127, 0};
  for (int i = 0; i < 5; ++i)
    CHECK(static_cast<std::int8_t>(block[static_cast<std::size_t>(2 + i)]) == codes[i]);
}

TEST_CASE("numbers on a format's lattice come back exactly") {
  Random random(6);
  for (const TensorType type : {TensorType::q4_0, TensorType::q8_0, TensorType::q6_k}) {
    std::vector<float> row(512);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const int levels = type == TensorType::q4_0 ? 8 : type == TensorType::q8_0 ? 127 : 32;
      int code = static_cast<int>(random.bits() % (2 * static_cast<unsigned>(levels))) - levels;
      if (type == TensorType::q8_0 && code == -levels) code = levels;
      if (i % 16 == 0) code = type == TensorType::q8_0 ? 127 : -levels;  // the extreme
      row[i] = static_cast<float>(code) * 0.125f;
    }
    CHECK(same_bits(row, back(type, row)));
  }
}

TEST_CASE("what the formats lose of random numbers") {
  CHECK(relative_error(TensorType::q4_0) < 0.09);
  CHECK(relative_error(TensorType::q6_k) < 0.02);
  CHECK(relative_error(TensorType::q8_0) < 0.006);
  CHECK(relative_error(TensorType::q8_0) < relative_error(TensorType::q6_k));
  CHECK(relative_error(TensorType::q6_k) < relative_error(TensorType::q4_0));
}

TEST_CASE("zeros stay zeros; damaged numbers do no harm") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const TensorType type : {TensorType::q4_0, TensorType::q8_0, TensorType::q6_k}) {
    CHECK(back(type, std::vector<float>(256, 0.0f)) == std::vector<float>(256, 0.0f));
    for (const float bad : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::max(), 1e-45f, 3e38f}) {
      std::vector<float> row(256, 1.0f);
      row[7] = bad, row[200] = -bad;
      quantized(type, row);  // a sanitizer looks
      quantized(type, std::vector<float>(256, bad));
    }
  }
  CHECK_FALSE(can_quantize(TensorType::bf16));
}

}  // namespace gemma4::test
