// Digits of activations in 256-bit registers: where they go, and the terms that come with them.
// quantize.inl of the instruction set finds them.

inline __m256i magnitude_bits(__m256i bits) {
  return _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
}

inline std::uint32_t largest_lane(__m256i v) {
  __m128i m = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
  m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(m));
}

/// One digit of a block, and the terms made of their sums; `at` is their place.
inline void store_codes(__m256i ordered, float scale, const Activations& at) {
  *at.scale = scale;
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(at.codes), ordered);
  // pair sums: 16-bit lanes (0,1), (2,3), ...; folding 32-bit lanes keeps the two kinds of pairs
  // apart
  __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), ordered);
  pairs = _mm256_add_epi16(pairs, _mm256_shuffle_epi32(pairs, 0x4e));
  pairs = _mm256_add_epi16(pairs, _mm256_shuffle_epi32(pairs, 0xb1));
  const __m128i first = _mm256_castsi256_si128(pairs), second = _mm256_extracti128_si256(pairs, 1);
  const int both =
      _mm_cvtsi128_si32(_mm_mullo_epi16(_mm_add_epi16(first, second), _mm_set1_epi16(-8)));
  const int low = _mm_cvtsi128_si32(_mm_mullo_epi16(first, _mm_set1_epi16(-32)));
  const int high = _mm_cvtsi128_si32(_mm_mullo_epi16(second, _mm_set1_epi16(-32)));
  __builtin_memcpy(at.offset8, &both, 4);
  __builtin_memcpy(at.offset32, &low, 4);
  __builtin_memcpy(at.offset32 + 2, &high, 4);
}

/// The same from q in columns 8i ... 8i+7.
inline void store_digit(const __m256i (&q)[4], float scale, const Activations& at) {
  // the packs interleave 128-bit halves; the permutation puts the groups of four back in order
  const __m256i narrow =
      _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
  store_codes(_mm256_permutevar8x32_epi32(narrow, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)), scale,
              at);
}

/// The digits of a block of codes, `d` apart.
inline void store_digits(__m256i (&q)[4], float d, const Activations& at) {
  if (at.digits == 1) return store_digit(q, d, at);
  __m256i first[4];
  for (int i = 0; i < 4; ++i) {  // first_digit(q)
    const __m256i product = _mm256_mullo_epi32(q[i], _mm256_set1_epi32(257));
    first[i] = _mm256_srai_epi32(_mm256_add_epi32(product, _mm256_set1_epi32(32768)), 16);
    q[i] = _mm256_sub_epi32(q[i], _mm256_mullo_epi32(first[i], _mm256_set1_epi32(kDigitBase)));
  }
  store_digit(first, kDigitBase * d, at);
  store_digit(q, d, at.from_digits(1));
}
