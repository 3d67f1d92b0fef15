// Sixteen floats in plain C++: the definition of every vector operation (docs/numerics.md).
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "base/half.hpp"

namespace gemma4::scalar {

struct Vec {
  float lane[16];
};
struct Mask {
  bool lane[16];
};

/// One register's share of a Vec: lanes 16 / kParts * i and on. Where registers are few, loops that
/// keep many sums go through the parts one after another; lanes never meet before the tree.
using Part = Vec;
constexpr int kParts = 1;

template <typename F>
inline Vec each(F f) {
  Vec v;
  for (int i = 0; i < 16; ++i) v.lane[i] = f(i);
  return v;
}

inline Vec set1(float x) {
  return each([&](int) { return x; });
}
inline Vec load(const float* p) {
  return each([&](int i) { return p[i]; });
}
inline Vec load_half(const std::uint16_t* p) {
  return each([&](int i) { return half_to_float(p[i]); });
}
inline Part load_part(const float* p) { return load(p); }
inline Part load_part_half(const std::uint16_t* p) { return load_half(p); }
inline Part load_part_bf16(const std::uint16_t* p) {
  return each([&](int i) { return bf16_to_float(p[i]); });
}
inline Vec join(const Part* parts) { return parts[0]; }
inline void store(float* p, Vec v) {
  for (int i = 0; i < 16; ++i) p[i] = v.lane[i];
}
inline void store_half(std::uint16_t* p, Vec v) {
  for (int i = 0; i < 16; ++i) p[i] = float_to_half(v.lane[i]);
}
inline Vec add(Vec a, Vec b) {
  return each([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline Vec sub(Vec a, Vec b) {
  return each([&](int i) { return a.lane[i] - b.lane[i]; });
}
inline Vec mul(Vec a, Vec b) {
  return each([&](int i) { return a.lane[i] * b.lane[i]; });
}
inline Vec div(Vec a, Vec b) {
  return each([&](int i) { return a.lane[i] / b.lane[i]; });
}
/// a * b + c with one rounding
inline Vec fma(Vec a, Vec b, Vec c) {
  return each([&](int i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
/// c - a * b with one rounding
inline Vec fnma(Vec a, Vec b, Vec c) {
  return each([&](int i) { return std::fma(-a.lane[i], b.lane[i], c.lane[i]); });
}
/// a > b ? a : b, so b when one is not a number
inline Vec max(Vec a, Vec b) {
  return each([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Vec abs(Vec a) {
  return each([&](int i) { return std::fabs(a.lane[i]); });
}
inline Vec copy_sign(Vec magnitude, Vec sign) {
  return each([&](int i) { return std::copysign(magnitude.lane[i], sign.lane[i]); });
}
inline Mask less(Vec a, Vec b) {
  Mask m;
  for (int i = 0; i < 16; ++i) m.lane[i] = a.lane[i] < b.lane[i];
  return m;
}
inline Vec select(Mask m, Vec yes, Vec no) {
  return each([&](int i) { return m.lane[i] ? yes.lane[i] : no.lane[i]; });
}
/// Nearest integer, ties to even.
inline Vec round_even(Vec a) {
  return each([&](int i) { return std::nearbyint(a.lane[i]); });
}
/// y * 2^n for integral n, by adding n to y's exponent; meaningless when the result is not a normal
/// number.
inline Vec add_exponent(Vec y, Vec n) {
  return each([&](int i) {
    const bool sane =
        n.lane[i] > -1000.0f && n.lane[i] < 1000.0f;  // outside, the caller discards the lane
    const std::uint32_t shift =
        sane ? static_cast<std::uint32_t>(static_cast<std::int32_t>(n.lane[i])) << 23 : 0;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(y.lane[i]) + shift);
  });
}
/// ((0+8)+(4+12)) + ((2+10)+(6+14)) + ...: halves are folded onto each other.
inline float sum_tree(Vec v) {
  for (int width = 8; width >= 1; width /= 2) {
    for (int i = 0; i < width; ++i) v.lane[i] = v.lane[i] + v.lane[i + width];
  }
  return v.lane[0];
}
/// sum_tree of each.
inline void sum_trees(const Vec (&v)[4], float* out) {
  for (int i = 0; i < 4; ++i) out[i] = sum_tree(v[i]);
}
inline float max_tree(Vec v) {
  for (int width = 8; width >= 1; width /= 2) {
    for (int i = 0; i < width; ++i)
      v.lane[i] = v.lane[i] > v.lane[i + width] ? v.lane[i] : v.lane[i + width];
  }
  return v.lane[0];
}

}  // namespace gemma4::scalar
