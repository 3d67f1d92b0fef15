// 8-bit activations with NEON; see quantize_block in the scalar kernels for the definition.

void quantize_block(const float* x, std::int8_t* codes, float* scale, std::int16_t* offset8,
                    std::int16_t* offset32) {
  float32x4_t values[8];
  uint32x4_t largest = vdupq_n_u32(0);
  for (int i = 0; i < 8; ++i) {
    values[i] = vld1q_f32(x + 4 * i);
    largest = vmaxq_u32(largest, vreinterpretq_u32_f32(vabsq_f32(values[i])));
  }
  const std::uint32_t amax = vmaxvq_u32(largest);
  const float d = __builtin_bit_cast(float, amax) / 127.0f;
  const bool damaged = amax > 0x7f7fffffu;
  if (damaged || d < 0x1p-126f) {
    *scale = damaged ? __builtin_bit_cast(float, 0x7fc00000u) : 0.0f;
    vst1q_s8(codes, vdupq_n_s8(0));
    vst1q_s8(codes + 16, vdupq_n_s8(0));
    offset8[0] = offset8[1] = offset32[0] = offset32[1] = offset32[2] = offset32[3] = 0;
    return;
  }
  *scale = d;
  const float32x4_t divisor = vdupq_n_f32(d);
  int16x8_t wide[4];
  for (int i = 0; i < 4; ++i) {
    const int32x4_t low = vcvtnq_s32_f32(vdivq_f32(values[2 * i], divisor));
    const int32x4_t high = vcvtnq_s32_f32(vdivq_f32(values[2 * i + 1], divisor));
    wide[i] = vcombine_s16(vmovn_s32(low), vmovn_s32(high));
  }
  const int8x16_t first = vcombine_s8(vmovn_s16(wide[0]), vmovn_s16(wide[1]));
  const int8x16_t second = vcombine_s8(vmovn_s16(wide[2]), vmovn_s16(wide[3]));
  vst1q_s8(codes, first);
  vst1q_s8(codes + 16, second);
  // pair sums of columns (0,1), (2,3), ...: even lanes are one kind of pair, odd lanes the other
  const int16x8_t pairs0 = vpaddlq_s8(first), pairs1 = vpaddlq_s8(second);
  const int16x8_t twos = vpaddq_s16(vuzp1q_s16(pairs0, pairs1), vuzp2q_s16(pairs0, pairs1));
  const int16x4_t sums = vget_low_s16(vpaddq_s16(twos, twos));  // even 0, even 1, odd 0, odd 1
  const int16x4_t ordered = vuzp1_s16(sums, vext_s16(sums, sums, 1));  // even 0, odd 0, even 1, ...
  vst1_s16(offset32, vmul_n_s16(ordered, -32));
  const int16x4_t both = vmul_n_s16(vadd_s16(ordered, vext_s16(ordered, ordered, 2)), -8);
  offset8[0] = vget_lane_s16(both, 0);
  offset8[1] = vget_lane_s16(both, 1);
}

void quantize(const float* values, std::uint32_t rows, const Activations& a) {
  const std::uint64_t blocks = std::uint64_t{rows} * a.columns / kBlock;
  for (std::uint64_t b = 0; b < blocks; ++b) {
    quantize_block(values + b * kBlock, a.codes + b * kBlock, a.scale + b, a.offset8 + 2 * b,
                   a.offset32 + 4 * b);
  }
}
