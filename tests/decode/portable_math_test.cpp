// exp and log of the sampler against long double.
#include "decode/portable_math.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "decode/philox.hpp"

namespace gemma4 {
namespace {

// The distance of `value` from `exact` in units of the last place of a double of that size.
double error_ulp(double value, long double exact) {
  int exponent = 0;
  (void)std::frexp(static_cast<double>(exact), &exponent);
  return static_cast<double>(std::fabs(value - exact) / std::ldexp(1.0L, exponent - 53));
}

}  // namespace

// Elsewhere long double is as wide as double and its exp no better than the one under test.
constexpr bool kWideLongDouble = std::numeric_limits<long double>::digits > 60;

TEST_CASE("portable_exp is within 1 ulp over its whole range") {
  if (!kWideLongDouble) return;
  std::mt19937_64 random(1);
  double worst = 0;
  for (int i = 0; i < 2000000; ++i) {
    const double share = static_cast<double>(random() >> 11) * 0x1p-53;
    double x = i % 4 == 0 ? -708.0 * share : i % 4 == 1 ? -40.0 * share : -2.0 * share;
    if (i % 4 == 3) x = -std::ldexp(share, -static_cast<int>(random() % 60));
    worst = std::max(worst, error_ulp(portable_exp(x), std::exp(static_cast<long double>(x))));
  }
  MESSAGE("largest error: " << worst << " ulp");
  CHECK(worst <= 1.0);
}

TEST_CASE("portable_exp at its borders") {
  CHECK(portable_exp(0.0) == 1.0);
  CHECK(portable_exp(-0.0) == 1.0);
  CHECK(portable_exp(-708.0) > 0.0);
  CHECK(portable_exp(-708.1) == 0.0);
  CHECK(portable_exp(-1e300) == 0.0);
  CHECK(portable_exp(-std::numeric_limits<double>::infinity()) == 0.0);
  CHECK(portable_exp(709.0) == doctest::Approx(std::exp(709.0)).epsilon(1e-14));
}

TEST_CASE("portable_log is within 1 ulp between 0 and 1, also close to both ends") {
  if (!kWideLongDouble) return;
  std::mt19937_64 random(2);
  double worst = 0;
  for (int i = 0; i < 2000000; ++i) {
    double x = (static_cast<double>(random() >> 12) + 0.5) * 0x1p-52;
    if (i % 4 == 1) x = std::ldexp(x, -static_cast<int>(random() % 52));
    if (i % 4 == 2) x = 1.0 - std::ldexp(x, -static_cast<int>(random() % 53));
    if (i % 4 == 3) x = std::ldexp(x, static_cast<int>(random() % 2000) - 1000);
    if (x == 1.0) continue;
    worst = std::max(worst, error_ulp(portable_log(x), std::log(static_cast<long double>(x))));
  }
  MESSAGE("largest error: " << worst << " ulp");
  CHECK(worst <= 1.0);
}

TEST_CASE("portable_log at its borders") {
  CHECK(portable_log(1.0) == 0.0);
  CHECK(portable_log(0x1p-53) == doctest::Approx(-53 * std::log(2.0)).epsilon(1e-15));
  CHECK(portable_log(1.0 - 0x1p-53) == -(0x1p-53 + 0x1p-107));
}

// Bits that every platform has to reproduce: the sampler's choices rest on them.
TEST_CASE("portable_exp and portable_log give the recorded bits") {
  CHECK(portable_exp(-1.0) == 0x1.78b56362cef38p-2);
  CHECK(portable_log(0.1) == -0x1.26bb1bbb55515p+1);
  std::uint64_t exp_digest = 0, log_digest = 0;
  for (int i = 1; i <= 100000; ++i) {
    const double x = i / 100001.0;
    exp_digest = exp_digest * 31 + std::bit_cast<std::uint64_t>(portable_exp(-50 * x));
    log_digest = log_digest * 31 + std::bit_cast<std::uint64_t>(portable_log(x));
  }
  CHECK(exp_digest == 5773901233332765333u);
  CHECK(log_digest == 14260409336518029946u);
}

// The known answers that come with the Random123 library.
TEST_CASE("philox4x32_10 known answers") {
  CHECK(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
        PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

}  // namespace gemma4
