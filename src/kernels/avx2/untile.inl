// 16 rows x 16 columns of codes out of a tile, with 256-bit registers.

/// out[16 * r + 4 * s + j] = codes[64 * s + 4 * r + j]: tiles.hpp's steps of 4 columns to rows.
inline void untile(const std::int8_t* codes, std::int8_t* out) {
  for (int half = 0; half < 2; ++half) {  // 8 rows; a 128-bit lane has 4 of them
    __m256i step[4];
    for (int s = 0; s < 4; ++s) {
      step[s] = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes + 64 * s + 32 * half));
    }
    const __m256i low01 = _mm256_unpacklo_epi32(step[0], step[1]),
                  low23 = _mm256_unpacklo_epi32(step[2], step[3]),
                  high01 = _mm256_unpackhi_epi32(step[0], step[1]),
                  high23 = _mm256_unpackhi_epi32(step[2], step[3]);
    const __m256i rows[4] = {
        _mm256_unpacklo_epi64(low01, low23), _mm256_unpackhi_epi64(low01, low23),
        _mm256_unpacklo_epi64(high01, high23), _mm256_unpackhi_epi64(high01, high23)};
    for (int r = 0; r < 4; ++r) {
      std::int8_t* first = out + 16 * (8 * half + r);
      _mm_store_si128(reinterpret_cast<__m128i*>(first), _mm256_castsi256_si128(rows[r]));
      _mm_store_si128(reinterpret_cast<__m128i*>(first + 64), _mm256_extracti128_si256(rows[r], 1));
    }
  }
}
