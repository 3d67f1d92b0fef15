// Activations in digits with AVX2; see quantize_block in the scalar kernels for the definition.
// Included after digits.inl.

void quantize_block(const float* x, const Activations& at) {
  __m256i q[4];
  __m256i largest = _mm256_setzero_si256();
  for (int i = 0; i < 4; ++i) {
    q[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + 8 * i));
    largest = _mm256_max_epu32(largest, magnitude_bits(q[i]));
  }
  const std::uint32_t amax = largest_lane(largest);
  float d = __builtin_bit_cast(float, amax) / largest_code(at.digits);
  const bool damaged = amax > 0x7f7fffffu;
  if (damaged || d < 0x1p-126f) {
    d = damaged ? __builtin_bit_cast(float, 0x7fc00000u) : 0.0f;
    for (int i = 0; i < 4; ++i) q[i] = _mm256_setzero_si256();
  } else {
    const __m256 divisor = _mm256_set1_ps(d);
    for (int i = 0; i < 4; ++i)
      q[i] = _mm256_cvtps_epi32(_mm256_div_ps(_mm256_castsi256_ps(q[i]), divisor));
  }
  store_digits(q, d, at);
}
