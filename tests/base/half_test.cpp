#include "base/half.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#if !defined(__FLT16_MAX__) && defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

using namespace gemma4;

namespace {

// An independent conversion to compare with: the compiler's own type, else the processor's
// instruction.
#if defined(__FLT16_MAX__)
bool have_oracle() { return true; }
float oracle_to_float(std::uint16_t h) { return static_cast<float>(std::bit_cast<_Float16>(h)); }
std::uint16_t oracle_to_half(float f) {
  return std::bit_cast<std::uint16_t>(static_cast<_Float16>(f));
}
#elif defined(__x86_64__) && defined(__GNUC__)
// Every processor with AVX2 has F16C, and not every compiler knows the latter's name.
bool have_oracle() { return __builtin_cpu_supports("avx2"); }
__attribute__((target("f16c"))) float oracle_to_float(std::uint16_t h) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}
__attribute__((target("f16c"))) std::uint16_t oracle_to_half(float f) {
  return static_cast<std::uint16_t>(
      _mm_extract_epi16(_mm_cvtps_ph(_mm_set_ss(f), _MM_FROUND_TO_NEAREST_INT), 0));
}
#else
bool have_oracle() { return false; }
float oracle_to_float(std::uint16_t) { return 0; }
std::uint16_t oracle_to_half(float) { return 0; }
#endif

/// Counts the floats whose half differs from the oracle's; a NaN need only stay one with its sign.
class HalfComparison {
 public:
  void add(std::uint32_t bits) {
    const float f = std::bit_cast<float>(bits);
    const std::uint16_t ours = float_to_half(f);
    const std::uint16_t theirs = oracle_to_half(f);
    if (f != f ? !same_nan(ours, theirs) : ours != theirs) ++differences_;
  }
  std::uint64_t differences() const { return differences_; }

 private:
  static bool same_nan(std::uint16_t a, std::uint16_t b) {
    return (a & 0x7fff) > 0x7c00 && (b & 0x7fff) > 0x7c00 && (a & 0x8000) == (b & 0x8000);
  }
  std::uint64_t differences_ = 0;
};

}  // namespace

TEST_CASE("half to float agrees with an independent conversion for all 65,536 halfs") {
  if (!have_oracle()) {
    MESSAGE("no independent half conversion here");
    return;
  }
  int differences = 0;
  for (std::uint32_t h = 0; h < 0x10000; ++h) {
    const std::uint32_t ours =
        std::bit_cast<std::uint32_t>(half_to_float(static_cast<std::uint16_t>(h)));
    const std::uint32_t theirs =
        std::bit_cast<std::uint32_t>(oracle_to_float(static_cast<std::uint16_t>(h)));
    if (ours != theirs) ++differences;
  }
  CHECK(differences == 0);
}

TEST_CASE("half to float is the value of its definition") {
  int differences = 0;
  for (std::uint32_t h = 0; h < 0x7c00; ++h) {
    const int exponent = static_cast<int>(h >> 10);
    const double mantissa = h & 0x3ff;
    const double value =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    if (half_to_float(static_cast<std::uint16_t>(h)) != value) ++differences;
    if (half_to_float(static_cast<std::uint16_t>(h | 0x8000)) != -value) ++differences;
  }
  CHECK(differences == 0);
  CHECK(half_to_float(0x7c00) == std::numeric_limits<float>::infinity());
  CHECK(half_to_float(0xfc00) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(half_to_float(0x7c01)));
  CHECK(std::signbit(half_to_float(0x8000)));
}

TEST_CASE("every half survives the way to float and back") {
  int differences = 0;
  for (std::uint32_t h = 0; h < 0x10000; ++h) {
    const std::uint16_t half = static_cast<std::uint16_t>(h);
    const bool nan = (half & 0x7fff) > 0x7c00;
    const std::uint16_t expected = nan ? static_cast<std::uint16_t>(half | 0x0200) : half;
    if (float_to_half(half_to_float(half)) != expected) ++differences;
  }
  CHECK(differences == 0);
}

TEST_CASE("float to half rounds to nearest even at every boundary") {
  int differences = 0;
  for (std::uint32_t h = 0; h < 0x7bff; ++h) {
    const float low = half_to_float(static_cast<std::uint16_t>(h));
    const float high = half_to_float(static_cast<std::uint16_t>(h + 1));
    const float middle = (low + high) / 2;  // exact: 12 significant bits
    const std::uint32_t even = h % 2 == 0 ? h : h + 1;
    if (float_to_half(middle) != even) ++differences;
    if (float_to_half(std::nextafter(middle, low)) != h) ++differences;
    if (float_to_half(std::nextafter(middle, high)) != h + 1) ++differences;
    if (float_to_half(-middle) != (even | 0x8000)) ++differences;
  }
  CHECK(differences == 0);
  CHECK(float_to_half(65519.996f) == 0x7bff);
  CHECK(float_to_half(65520.0f) == 0x7c00);
  CHECK(float_to_half(-std::numeric_limits<float>::max()) == 0xfc00);
  CHECK(float_to_half(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(float_to_half(-0.0f) == 0x8000);
}

TEST_CASE("float to half agrees with an independent conversion on a large sample") {
  if (!have_oracle()) {
    MESSAGE("no independent half conversion here");
    return;
  }
  HalfComparison comparison;
  // A stride that is coprime to 2^32 walks through all exponents and ends of mantissas: 4.2 million
  // floats.
  for (std::uint64_t bits = 0; bits < (1ull << 32); bits += 1021) {
    comparison.add(static_cast<std::uint32_t>(bits));
  }
  CHECK(comparison.differences() == 0);
}

TEST_CASE("bf16 is the upper half of a float") {
  CHECK(bf16_to_float(0x3f80) == 1.0f);
  CHECK(bf16_to_float(0xc000) == -2.0f);
  CHECK(bf16_to_float(0x0001) == std::bit_cast<float>(0x00010000u));
}
