// Activations in digits with NEON; see quantize_block in the scalar kernels for the definition.

/// One digit of a block, q in columns 4i ... 4i+3, and the terms made of their sums; `at` is their
/// place.
inline void store_digit(const int32x4_t (&q)[8], float scale, const Activations& at) {
  *at.scale = scale;
  int16x8_t wide[4];
  for (int i = 0; i < 4; ++i) wide[i] = vcombine_s16(vmovn_s32(q[2 * i]), vmovn_s32(q[2 * i + 1]));
  const int8x16_t first = vcombine_s8(vmovn_s16(wide[0]), vmovn_s16(wide[1]));
  const int8x16_t second = vcombine_s8(vmovn_s16(wide[2]), vmovn_s16(wide[3]));
  vst1q_s8(at.codes, first);
  vst1q_s8(at.codes + 16, second);
  // pair sums of columns (0,1), (2,3), ...: even lanes are one kind of pair, odd lanes the other
  const int16x8_t pairs0 = vpaddlq_s8(first), pairs1 = vpaddlq_s8(second);
  const int16x8_t twos = vpaddq_s16(vuzp1q_s16(pairs0, pairs1), vuzp2q_s16(pairs0, pairs1));
  const int16x4_t sums = vget_low_s16(vpaddq_s16(twos, twos));  // even 0, even 1, odd 0, odd 1
  const int16x4_t ordered = vuzp1_s16(sums, vext_s16(sums, sums, 1));  // even 0, odd 0, even 1, ...
  vst1_s16(at.offset32, vmul_n_s16(ordered, -32));
  const int16x4_t both = vmul_n_s16(vadd_s16(ordered, vext_s16(ordered, ordered, 2)), -8);
  at.offset8[0] = vget_lane_s16(both, 0);
  at.offset8[1] = vget_lane_s16(both, 1);
}

/// The digits of a block of codes, `d` apart.
inline void store_digits(int32x4_t (&q)[8], float d, const Activations& at) {
  if (at.digits == 1) return store_digit(q, d, at);
  int32x4_t first[8];
  for (int i = 0; i < 8; ++i) {  // first_digit(q)
    first[i] = vshrq_n_s32(vmlaq_n_s32(vdupq_n_s32(32768), q[i], 257), 16);
    q[i] = vmlsq_n_s32(q[i], first[i], kDigitBase);
  }
  store_digit(first, kDigitBase * d, at);
  store_digit(q, d, at.from_digits(1));
}

void quantize_block(const float* x, const Activations& at) {
  float32x4_t values[8];
  uint32x4_t largest = vdupq_n_u32(0);
  for (int i = 0; i < 8; ++i) {
    values[i] = vld1q_f32(x + 4 * i);
    largest = vmaxq_u32(largest, vreinterpretq_u32_f32(vabsq_f32(values[i])));
  }
  const std::uint32_t amax = vmaxvq_u32(largest);
  float d = __builtin_bit_cast(float, amax) / largest_code(at.digits);
  const bool damaged = amax > 0x7f7fffffu;
  int32x4_t q[8];
  if (damaged || d < 0x1p-126f) {
    d = damaged ? __builtin_bit_cast(float, 0x7fc00000u) : 0.0f;
    for (int32x4_t& four : q) four = vdupq_n_s32(0);
  } else {
    for (int i = 0; i < 8; ++i) q[i] = vcvtnq_s32_f32(vdivq_f32(values[i], vdupq_n_f32(d)));
  }
  store_digits(q, d, at);
}
