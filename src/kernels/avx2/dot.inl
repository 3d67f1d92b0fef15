// Products of codes with AVX2: maddubs multiplies unsigned codes with signed activations into
// 16-bit sums. These may wrap on the way, because the offset they start from brings the end result
// back into range (tiles.hpp: |sum| <= 16 * 8 * 127 or 8 * 32 * 127).

/// Where the sum of 16 or 32 columns starts, from the stored halves.
inline __m256i start_sum(const std::int16_t* halves) { return broadcast4(halves); }

inline __m256i add_products(__m256i sum, __m256i w, __m256i q) {
  return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, q));
}

/// To 32 bits.
inline __m256i widen_sum(__m256i sum) { return _mm256_madd_epi16(sum, _mm256_set1_epi16(1)); }

/// The integer scale of each row for 16 columns, in both 16-bit halves of the row's lane: maddwd
/// then sums and scales at once.
inline __m256i sub_scales(const std::int8_t* p) {
  const __m256i wide = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  const __m256i twice = _mm256_setr_epi8(0, 1, 0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13, 0, 1,
                                         0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13);
  return _mm256_shuffle_epi8(wide, twice);
}

/// To 32 bits, times sub_scales.
inline __m256i scale_sum(__m256i sum, __m256i scales) { return _mm256_madd_epi16(sum, scales); }
