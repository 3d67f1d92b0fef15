// Sixteen floats in one 512-bit register. Included inside the target region of an AVX-512 file.
// Each operation equals its namesake in scalar/vec.hpp bit for bit.
#pragma once

namespace gemma4::avx512 {

using Vec = __m512;
using Mask = __mmask16;
using Part = Vec;
constexpr int kParts = 1;

inline Vec set1(float x) { return _mm512_set1_ps(x); }
inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline Vec load_half(const std::uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Part load_part(const float* p) { return load(p); }
inline Part load_part_half(const std::uint16_t* p) { return load_half(p); }
inline Part load_part_bf16(const std::uint16_t* p) {
  const __m512i wide =
      _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
inline Vec join(const Part* parts) { return parts[0]; }
inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
inline void store_half(std::uint16_t* p, Vec v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline Vec add(Vec x, Vec y) { return _mm512_add_ps(x, y); }
inline Vec sub(Vec x, Vec y) { return _mm512_sub_ps(x, y); }
inline Vec mul(Vec x, Vec y) { return _mm512_mul_ps(x, y); }
inline Vec div(Vec x, Vec y) { return _mm512_div_ps(x, y); }
inline Vec fma(Vec x, Vec y, Vec z) { return _mm512_fmadd_ps(x, y, z); }
inline Vec fnma(Vec x, Vec y, Vec z) { return _mm512_fnmadd_ps(x, y, z); }
inline Vec max(Vec x, Vec y) { return _mm512_max_ps(x, y); }
inline Vec abs(Vec x) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x); }
inline Vec copy_sign(Vec magnitude, Vec sign_of) {
  const __m512 sign = _mm512_set1_ps(-0.0f);
  return _mm512_or_ps(_mm512_andnot_ps(sign, magnitude), _mm512_and_ps(sign, sign_of));
}
inline Mask less(Vec x, Vec y) { return _mm512_cmp_ps_mask(x, y, _CMP_LT_OQ); }
inline Vec select(Mask m, Vec yes, Vec no) { return _mm512_mask_blend_ps(m, no, yes); }
inline Vec round_even(Vec x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Vec add_exponent(Vec y, Vec n) {
  return _mm512_castsi512_ps(
      _mm512_add_epi32(_mm512_castps_si512(y), _mm512_slli_epi32(_mm512_cvtps_epi32(n), 23)));
}
inline float sum_tree(Vec v) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
/// sum_tree of each, side by side: the same additions in fewer instructions.
inline void sum_trees(const Vec (&v)[4], float* out) {
  __m512 eight[2];
  for (int i = 0; i < 2; ++i) {  // 256-bit halves: v[2 i] | v[2 i + 1]
    eight[i] = _mm512_add_ps(_mm512_shuffle_f32x4(v[2 * i], v[2 * i + 1], 0x44),
                             _mm512_shuffle_f32x4(v[2 * i], v[2 * i + 1], 0xee));
  }
  const __m512 four = _mm512_add_ps(_mm512_shuffle_f32x4(eight[0], eight[1], 0x88),
                                    _mm512_shuffle_f32x4(eight[0], eight[1], 0xdd));
  const __m512 two = _mm512_add_ps(four, _mm512_permute_ps(four, 0x4e));
  const __m512 one = _mm512_add_ps(two, _mm512_permute_ps(two, 0xb1));
  const __m512i first = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
  _mm_storeu_ps(out, _mm512_castps512_ps128(_mm512_permutexvar_ps(first, one)));
}
inline float max_tree(Vec v) {
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

}  // namespace gemma4::avx512
