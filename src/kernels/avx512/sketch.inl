// Sums over a block of a sketch with AVX-512-VNNI. Included before generic/sketch.inl.

/// Every second code is left where it stands, times four, which saves moving it.
inline Vec block_sums(const std::uint8_t* codes, const std::int8_t* query, std::int32_t offset) {
  const __m512i pair = _mm512_set1_epi8(3), next = _mm512_set1_epi8(12);
  __m512i single[2] = {}, four[2] = {};
  for (std::uint32_t g = 0; g < kSketchColumns / 16; ++g, codes += 64, query += 16) {
    const __m512i raw = load64(codes), high = _mm512_srli_epi16(raw, 4);
    single[0] = _mm512_dpbusd_epi32(single[0], _mm512_and_si512(raw, pair), broadcast4(query));
    four[0] = _mm512_dpbusd_epi32(four[0], _mm512_and_si512(raw, next), broadcast4(query + 4));
    single[1] = _mm512_dpbusd_epi32(single[1], _mm512_and_si512(high, pair), broadcast4(query + 8));
    four[1] = _mm512_dpbusd_epi32(four[1], _mm512_and_si512(high, next), broadcast4(query + 12));
  }
  const __m512i twice = _mm512_slli_epi32(_mm512_add_epi32(single[0], single[1]), 1),
                halves = _mm512_srai_epi32(_mm512_add_epi32(four[0], four[1]), 1);
  return _mm512_cvtepi32_ps(
      _mm512_add_epi32(_mm512_add_epi32(twice, halves), _mm512_set1_epi32(offset)));
}
