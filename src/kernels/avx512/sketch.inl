// Sums over a block of a sketch with AVX-512-VNNI. Included before generic/sketch.inl.

inline Vec block_sums(const std::uint8_t* codes, const std::int8_t* query, std::int32_t offset) {
  const __m512i pair = _mm512_set1_epi8(3);
  __m512i sum[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                    _mm512_setzero_si512()};
  for (std::uint32_t g = 0; g < kSketchColumns / 16; ++g) {
    const __m512i raw = load64(codes + 64 * g);
    const __m512i moved[4] = {raw, _mm512_srli_epi16(raw, 2), _mm512_srli_epi16(raw, 4),
                              _mm512_srli_epi16(raw, 6)};
    for (int s = 0; s < 4; ++s) {
      sum[s] = _mm512_dpbusd_epi32(sum[s], _mm512_and_si512(moved[s], pair),
                                   broadcast4(query + 16 * g + 4 * s));
    }
  }
  const __m512i all =
      _mm512_add_epi32(_mm512_add_epi32(sum[0], sum[1]), _mm512_add_epi32(sum[2], sum[3]));
  return _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_slli_epi32(all, 1), _mm512_set1_epi32(offset)));
}
