// Sixteen floats in four 128-bit registers. Each operation equals its namesake in scalar/vec.hpp
// bit for bit.
#pragma once

namespace gemma4::neon {

struct Vec {
  float32x4_t r[4];  // lanes 4i ... 4i+3
};
struct Mask {
  uint32x4_t r[4];
};
using Part = float32x4_t;
constexpr int kParts = 4;

template <typename F>
inline Vec each(F f) {
  return {{f(0), f(1), f(2), f(3)}};
}

inline Vec set1(float x) {
  return each([&](int) { return vdupq_n_f32(x); });
}
inline Vec load(const float* p) {
  return each([&](int i) { return vld1q_f32(p + 4 * i); });
}
inline Vec load_half(const std::uint16_t* p) {
  return each([&](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))); });
}
inline Part load_part(const float* p) { return vld1q_f32(p); }
inline Part load_part_half(const std::uint16_t* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
inline Part load_part_bf16(const std::uint16_t* p) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}
inline Vec join(const Part* parts) { return {{parts[0], parts[1], parts[2], parts[3]}}; }
inline Part fma(Part x, Part y, Part z) { return vfmaq_f32(z, x, y); }
inline void store(float* p, Vec v) {
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, v.r[i]);
}
inline void store(float* p, Part v) { vst1q_f32(p, v); }
inline void store_half(std::uint16_t* p, Vec v) {
  for (int i = 0; i < 4; ++i) vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(v.r[i])));
}
inline Vec add(Vec x, Vec y) {
  return each([&](int i) { return vaddq_f32(x.r[i], y.r[i]); });
}
inline Vec sub(Vec x, Vec y) {
  return each([&](int i) { return vsubq_f32(x.r[i], y.r[i]); });
}
inline Vec mul(Vec x, Vec y) {
  return each([&](int i) { return vmulq_f32(x.r[i], y.r[i]); });
}
inline Vec div(Vec x, Vec y) {
  return each([&](int i) { return vdivq_f32(x.r[i], y.r[i]); });
}
inline Vec fma(Vec x, Vec y, Vec z) {
  return each([&](int i) { return vfmaq_f32(z.r[i], x.r[i], y.r[i]); });
}
inline Vec fnma(Vec x, Vec y, Vec z) {
  return each([&](int i) { return vfmsq_f32(z.r[i], x.r[i], y.r[i]); });
}
/// Not vmaxq_f32: that one orders the zeros and lets a NaN on either side through.
inline float32x4_t max(float32x4_t x, float32x4_t y) { return vbslq_f32(vcgtq_f32(x, y), x, y); }
inline Vec max(Vec x, Vec y) {
  return each([&](int i) { return max(x.r[i], y.r[i]); });
}
inline Vec abs(Vec x) {
  return each([&](int i) { return vabsq_f32(x.r[i]); });
}
inline Vec copy_sign(Vec magnitude, Vec sign_of) {
  const uint32x4_t sign = vdupq_n_u32(0x80000000u);
  return each([&](int i) { return vbslq_f32(sign, sign_of.r[i], magnitude.r[i]); });
}
inline Mask less(Vec x, Vec y) {
  Mask m;
  for (int i = 0; i < 4; ++i) m.r[i] = vcltq_f32(x.r[i], y.r[i]);
  return m;
}
inline Vec select(Mask m, Vec yes, Vec no) {
  return each([&](int i) { return vbslq_f32(m.r[i], yes.r[i], no.r[i]); });
}
inline Vec round_even(Vec x) {
  return each([&](int i) { return vrndnq_f32(x.r[i]); });
}
/// The conversion gives 0 for NaN, as the definition does, and saturates for what is too large:
/// lanes that the caller discards.
inline Vec add_exponent(Vec y, Vec n) {
  return each([&](int i) {
    const int32x4_t shift = vshlq_n_s32(vcvtq_s32_f32(n.r[i]), 23);
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(y.r[i]), shift));
  });
}
inline float sum_tree(Vec v) {
  const float32x4_t four = vaddq_f32(vaddq_f32(v.r[0], v.r[2]), vaddq_f32(v.r[1], v.r[3]));
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
/// sum_tree of each.
inline void sum_trees(const Vec (&v)[4], float* out) {
  for (int i = 0; i < 4; ++i) out[i] = sum_tree(v[i]);
}
inline float max_tree(Vec v) {
  const float32x4_t four = max(max(v.r[0], v.r[2]), max(v.r[1], v.r[3]));
  const float32x4_t two = max(four, vextq_f32(four, four, 2));
  const float a = vgetq_lane_f32(two, 0), b = vgetq_lane_f32(two, 1);
  return a > b ? a : b;
}

}  // namespace gemma4::neon
