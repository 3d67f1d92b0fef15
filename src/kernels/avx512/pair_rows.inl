// Codes of a tile in pairs of rows, and 16-bit weights, with 512-bit registers.

/// out[64 * i + 2 * c + j] = code of row 2 i + j, column c: one block of a tile (tiles.hpp), wide.
inline void pair_rows(const std::int8_t* codes, std::int16_t* out) {
  const __m512i pairs =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15));
  const __m512i lower = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11),
                upper = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  for (int s = 0; s < 8; s += 4) {  // 16 columns; a 128-bit lane has 4 rows
    __m512i step[4];
    for (int i = 0; i < 4; ++i) step[i] = _mm512_shuffle_epi8(load64(codes + 64 * (s + i)), pairs);
    for (int odd = 0; odd < 2; ++odd) {  // pairs of rows 2 lane + odd
      const __m512i first = odd == 0 ? _mm512_unpacklo_epi64(step[0], step[1])
                                     : _mm512_unpackhi_epi64(step[0], step[1]),
                    second = odd == 0 ? _mm512_unpacklo_epi64(step[2], step[3])
                                      : _mm512_unpackhi_epi64(step[2], step[3]);
      const __m512i lanes[2] = {_mm512_permutex2var_epi64(first, lower, second),
                                _mm512_permutex2var_epi64(first, upper, second)};
      for (int i = 0; i < 2; ++i) {
        std::int16_t* place = out + 64 * (4 * i + odd) + 8 * s;
        _mm512_storeu_si512(place, _mm512_cvtepi8_epi16(_mm512_castsi512_si256(lanes[i])));
        _mm512_storeu_si512(place + 128,
                            _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(lanes[i], 1)));
      }
    }
  }
}

/// out = (x * y + 2^14) / 2^15, rounded down, for the positions of a chunk.
inline void multiply_fractions(const std::int16_t* x, const std::int16_t* y, std::int16_t* out) {
  for (std::uint32_t k = 0; k < kChunk; k += 32)
    _mm512_storeu_si512(out + k, _mm512_mulhrs_epi16(load64(x + k), load64(y + k)));
}
