// Products of codes with AVX-VNNI: vpdpbusd multiplies unsigned codes with signed activations and
// adds four products to a 32-bit sum, so nothing can overflow.

/// Factor * (sum of the two stored halves).
template <int Factor = 1>
inline __m256i start_sum(const std::int16_t* halves) {
  return _mm256_madd_epi16(broadcast4(halves), _mm256_set1_epi16(Factor));
}

inline __m256i add_products(__m256i sum, __m256i w, __m256i q) {
  return _mm256_dpbusd_avx_epi32(sum, w, q);
}

inline __m256i widen_sum(__m256i sum) { return sum; }

/// The integer scale of each row for 16 columns.
inline __m256i sub_scales(const std::int8_t* p) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}

inline __m256i scale_sum(__m256i sum, __m256i scales) { return _mm256_mullo_epi32(sum, scales); }
