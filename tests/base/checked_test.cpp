#include "base/checked.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

using namespace gemma4;

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST_CASE("checked multiplication") {
  CHECK(checked_mul(0, kMax) == 0u);
  CHECK(checked_mul(kMax, 0) == 0u);
  CHECK(checked_mul(kMax, 1) == kMax);
  CHECK(checked_mul(1, kMax) == kMax);
  CHECK(checked_mul(1ull << 32, (1ull << 32) - 1) == kMax - ((1ull << 32) - 1));
  CHECK_FALSE(checked_mul(1ull << 32, 1ull << 32).has_value());
  CHECK_FALSE(checked_mul(kMax, 2).has_value());
  CHECK_FALSE(checked_mul(kMax, kMax).has_value());
}

TEST_CASE("checked addition") {
  CHECK(checked_add(kMax, 0) == kMax);
  CHECK(checked_add(kMax - 5, 5) == kMax);
  CHECK_FALSE(checked_add(kMax, 1).has_value());
  CHECK_FALSE(checked_add(kMax - 5, 6).has_value());
}

TEST_CASE("rounding up") {
  CHECK(round_up(0, 32) == 0);
  CHECK(round_up(1, 32) == 32);
  CHECK(round_up(32, 32) == 32);
  CHECK(round_up(10, 3) == 12);
  CHECK(divide_up(0, 4) == 0);
  CHECK(divide_up(1, 4) == 1);
  CHECK(divide_up(8, 4) == 2);
}
