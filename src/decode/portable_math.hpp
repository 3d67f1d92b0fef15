// exp and log with the same bits on every platform. They use +, -, * and / of IEEE doubles in the
// order written, which are correctly rounded everywhere; libm is not, and std::fma is slow where
// the processor lacks it. Error below 1 ulp.
#pragma once

#include <bit>
#include <cstdint>

namespace gemma4 {

// ln 2 in two parts; the first has 32 bits, so that its product with an exponent is exact.
inline constexpr double kLn2High = 0x1.62e42feep-1;
inline constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

/// e^x for -708 <= x <= 709; 0 below.
inline double portable_exp(double x) {
  if (!(x >= -708.0)) return 0.0;
  // x = k ln2 + r + c with |r| <= 0.35. Adding 1.5 * 2^52 rounds to an integer and leaves it in the
  // low bits.
  const double shifted = x * 0x1.71547652b82fep0 + 0x1.8p52;
  const double k = shifted - 0x1.8p52;
  const double high = x - k * kLn2High;
  const double low = k * kLn2Low;
  const double r = high - low;
  const double c = (high - r) - low;
  // (e^r - 1 - r) / r^2 by its Taylor series; the first term left out is below 2^-57 of the result.
  double p = 1.0 / 6227020800;
  p = p * r + 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  const double mantissa = 1.0 + (r + (r * r * p + c));
  const std::uint64_t exponent = (std::bit_cast<std::uint64_t>(shifted) + 1023) << 52;
  return mantissa * std::bit_cast<double>(exponent);
}

/// The natural logarithm of a positive, normal, finite x.
inline double portable_log(double x) {
  // x = 2^k m with sqrt(1/2) <= m < sqrt(2)
  constexpr std::uint64_t kOne = 0x3ff0000000000000;
  constexpr std::uint64_t kRootHalf = 0x3fe6a09e667f3bcd;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x) + (kOne - kRootHalf);
  const double k = static_cast<double>(static_cast<std::int64_t>(bits >> 52) - 1023);
  const double m = std::bit_cast<double>((bits & 0x000fffffffffffff) + kRootHalf);
  // With s = f / (2 + f): log(1 + f) = 2 atanh(s) = 2s + s R(s^2), and 2s = f - s f. The form below
  // keeps f, which is exact, as the leading term. R by its Taylor series; the first term left out
  // is below 2^-60 of the result.
  const double f = m - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  double p = 2.0 / 21;
  p = p * z + 2.0 / 19;
  p = p * z + 2.0 / 17;
  p = p * z + 2.0 / 15;
  p = p * z + 2.0 / 13;
  p = p * z + 2.0 / 11;
  p = p * z + 2.0 / 9;
  p = p * z + 2.0 / 7;
  p = p * z + 2.0 / 5;
  p = p * z + 2.0 / 3;
  const double half_square = 0.5 * f * f;
  return k * kLn2High - ((half_square - (s * (half_square + p * z) + k * kLn2Low)) - f);
}

}  // namespace gemma4
