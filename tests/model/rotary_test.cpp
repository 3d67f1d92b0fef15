#include "model/rotary.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace gemma4::test {

TEST_CASE("rotary angles agree with long double up to the last position") {
  const std::vector<double> factors(64, 1.0);
  const RotaryTable full(1e6, 512, factors, 262144), sliding(1e4, 256, {}, 262144);
  CHECK(full.pairs() == 64);
  CHECK(sliding.pairs() == 128);
  for (const RotaryTable* table : {&full, &sliding}) {
    CHECK(table->size_bytes() == RotaryTable::bytes(table->pairs(), 262144));
    const long double base = table == &full ? 1e6L : 1e4L, size = table == &full ? 512 : 256;
    std::vector<float> cosine(table->pairs()), sine(table->pairs());
    for (const std::uint32_t position :
         {0u, 1u, 511u, 512u, 513u, 1023u, 65536u, 200001u, 262143u}) {
      table->angles(position, cosine.data(), sine.data());
      for (std::uint32_t i = 0; i < table->pairs(); ++i) {
        const long double angle = position * std::pow(base, -2.0L * i / size);
        CHECK(std::fabs(double(std::cos(angle)) - cosine[i]) < 6e-8);
        CHECK(std::fabs(double(std::sin(angle)) - sine[i]) < 6e-8);
      }
    }
  }
}

TEST_CASE("pairs with a factor of 1e30 do not turn") {
  std::vector<double> factors(8, 1.0);
  factors.insert(factors.end(), 24, 1e30);
  CHECK(RotaryTable(1e6, 64, factors, 512).pairs() == 8);
  factors[2] = 1e30;  // one in between stays where it is
  const RotaryTable table(1e6, 64, factors, 512);
  std::vector<float> cosine(8), sine(8);
  table.angles(300, cosine.data(), sine.data());
  CHECK(cosine[2] == 1.0f);
  CHECK(sine[2] == 0.0f);
  CHECK(sine[1] != 0.0f);
}

}  // namespace gemma4::test
