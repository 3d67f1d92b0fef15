// Sums over a block of a sketch in 256-bit registers, with 16-bit sums (avx2/dot.inl) or 32-bit
// ones (avxvnni/dot.inl). Included before generic/sketch.inl.

/// For rows 0-7 (half 0) or 8-15, sum(code * query's code) over 128 columns. A 16-bit sum takes 16
/// pairs of products of at most 3 * 127: it cannot overflow.
inline __m256i half_sums(const std::uint8_t* codes, int half, const std::int8_t* query) {
  const __m256i pair = _mm256_set1_epi8(3);
  __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  for (int g = 0; g < 8; ++g) {
    const __m256i raw = load32(codes + 64 * g + 32 * half);
    const __m256i moved[4] = {raw, _mm256_srli_epi16(raw, 2), _mm256_srli_epi16(raw, 4),
                              _mm256_srli_epi16(raw, 6)};
    for (int s = 0; s < 4; ++s) {
      sum[s % 2] = add_products(sum[s % 2], _mm256_and_si256(moved[s], pair),
                                broadcast4(query + 16 * g + 4 * s));
    }
  }
  return _mm256_add_epi32(widen_sum(sum[0]), widen_sum(sum[1]));
}

inline Vec block_sums(const std::uint8_t* codes, const std::int8_t* query, std::int32_t offset) {
  __m256 rows[2];
  for (int half = 0; half < 2; ++half) {
    const __m256i all =
        _mm256_add_epi32(half_sums(codes, half, query), half_sums(codes + 512, half, query + 128));
    rows[half] =
        _mm256_cvtepi32_ps(_mm256_add_epi32(_mm256_slli_epi32(all, 1), _mm256_set1_epi32(offset)));
  }
  return {rows[0], rows[1]};
}
