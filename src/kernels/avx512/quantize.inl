// Activations in digits with AVX-512; see quantize_block in the scalar kernels for the definition.
// Included after avx2/digits.inl.

void quantize_block(const float* values, const Activations& at) {
  const __m512 x[2] = {load(values), load(values + 16)};
  const __m512i largest =
      _mm512_max_epu32(_mm512_castps_si512(abs(x[0])), _mm512_castps_si512(abs(x[1])));
  const std::uint32_t amax = largest_lane(
      _mm256_max_epu32(_mm512_castsi512_si256(largest), _mm512_extracti64x4_epi64(largest, 1)));
  float d = __builtin_bit_cast(float, amax) / largest_code(at.digits);
  const bool damaged = amax > 0x7f7fffffu;
  __m512i q[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  if (damaged || d < 0x1p-126f) {
    d = damaged ? __builtin_bit_cast(float, 0x7fc00000u) : 0.0f;
  } else {
    for (int i = 0; i < 2; ++i) q[i] = _mm512_cvtps_epi32(div(x[i], set1(d)));
  }
  if (at.digits == 1)
    return store_codes(_mm256_set_m128i(_mm512_cvtepi32_epi8(q[1]), _mm512_cvtepi32_epi8(q[0])), d,
                       at);
  __m256i parts[4] = {_mm512_castsi512_si256(q[0]), _mm512_extracti64x4_epi64(q[0], 1),
                      _mm512_castsi512_si256(q[1]), _mm512_extracti64x4_epi64(q[1], 1)};
  store_digits(parts, d, at);
}
