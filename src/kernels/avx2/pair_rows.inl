// Codes of a tile in pairs of rows, and 16-bit weights, with 256-bit registers.

/// out[64 * i + 2 * c + j] = code of row 2 i + j, column c: one block of a tile (tiles.hpp), wide.
inline void pair_rows(const std::int8_t* codes, std::int16_t* out) {
  const __m256i pairs = _mm256_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15,  //
                                         0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
  for (int half = 0; half < 2; ++half) {  // 8 rows; a 128-bit lane has 4 of them
    for (int s = 0; s < 8; s += 2) {      // 8 columns
      __m256i step[2];
      for (int i = 0; i < 2; ++i) {
        const std::int8_t* from = codes + 64 * (s + i) + 32 * half;
        step[i] =
            _mm256_shuffle_epi8(_mm256_load_si256(reinterpret_cast<const __m256i*>(from)), pairs);
      }
      const __m256i even = _mm256_unpacklo_epi64(step[0], step[1]),
                    odd = _mm256_unpackhi_epi64(step[0], step[1]);
      const __m128i wide[4] = {_mm256_castsi256_si128(even), _mm256_castsi256_si128(odd),
                               _mm256_extracti128_si256(even, 1), _mm256_extracti128_si256(odd, 1)};
      for (int i = 0; i < 4; ++i) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 64 * (4 * half + i) + 8 * s),
                            _mm256_cvtepi8_epi16(wide[i]));
      }
    }
  }
}

/// out = (x * y + 2^14) / 2^15, rounded down, for the positions of a chunk.
inline void multiply_fractions(const std::int16_t* x, const std::int16_t* y, std::int16_t* out) {
  for (std::uint32_t k = 0; k < kChunk; k += 16) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + k)),
                  b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(y + k));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + k), _mm256_mulhrs_epi16(a, b));
  }
}
