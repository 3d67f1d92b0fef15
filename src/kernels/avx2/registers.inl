// What the 256-bit matrix kernels do with registers, whichever way they multiply.

inline __m256i broadcast4(const void* p) {
  int bits;
  __builtin_memcpy(&bits, p, 4);
  return _mm256_set1_epi32(bits);
}
inline __m256i load32(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
inline __m256 widen_scales(const std::uint16_t* p) {
  return _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(p)));
}
inline __m256 widen_scales(const Bf16Scale* p) {
  const __m128i bits = _mm_load_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
inline __m256 widen_scales(const float* p) { return _mm256_load_ps(p); }

/// y = fma(float(sum), d_w * d_a, y) for 8 rows.
inline void accumulate(float* y, __m256i sum, __m256 weight_scale, __m256 activation_scale) {
  const __m256 scale = _mm256_mul_ps(weight_scale, activation_scale);
  _mm256_store_ps(y, _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), scale, _mm256_load_ps(y)));
}
