// Sums over a block of a sketch in 256-bit registers, with 16-bit sums (avx2/dot.inl) or 32-bit
// ones (avxvnni/dot.inl). Included before generic/sketch.inl.

/// Adds 4 * sum(code * query's code) over 128 columns to the sums of rows 0-7 and 8-15. Every
/// second code is left where it stands, times four, which saves moving it; a 16-bit sum takes 8
/// pairs of such products, of at most 12 * 127 each, or 16 of at most 3 * 127: none can overflow.
inline void add_half(const std::uint8_t* codes, const std::int8_t* query, __m256i (&sum)[2]) {
  const __m256i pair = _mm256_set1_epi8(3), next = _mm256_set1_epi8(12);
  __m256i single[2] = {}, first[2] = {}, second[2] = {};
  for (int g = 0; g < 8; ++g, codes += 64, query += 16) {
    for (int rows = 0; rows < 2; ++rows) {
      const __m256i raw = load32(codes + 32 * rows), high = _mm256_srli_epi16(raw, 4);
      single[rows] = add_products(single[rows], _mm256_and_si256(raw, pair), broadcast4(query));
      first[rows] = add_products(first[rows], _mm256_and_si256(raw, next), broadcast4(query + 4));
      single[rows] =
          add_products(single[rows], _mm256_and_si256(high, pair), broadcast4(query + 8));
      second[rows] =
          add_products(second[rows], _mm256_and_si256(high, next), broadcast4(query + 12));
    }
  }
  for (int rows = 0; rows < 2; ++rows) {
    const __m256i fours = _mm256_add_epi32(widen_sum(first[rows]), widen_sum(second[rows]));
    sum[rows] = _mm256_add_epi32(
        sum[rows], _mm256_add_epi32(fours, _mm256_slli_epi32(widen_sum(single[rows]), 2)));
  }
}

inline Vec block_sums(const std::uint8_t* codes, const std::int8_t* query, std::int32_t offset) {
  __m256i sum[2] = {};
  add_half(codes, query, sum);
  add_half(codes + 512, query + 128, sum);
  __m256 rows[2];
  for (int half = 0; half < 2; ++half) {
    rows[half] = _mm256_cvtepi32_ps(
        _mm256_add_epi32(_mm256_srai_epi32(sum[half], 1), _mm256_set1_epi32(offset)));
  }
  return {rows[0], rows[1]};
}
