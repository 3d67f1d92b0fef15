// Sums over a block of a sketch, with or without the dot product instruction (dot16, included
// before). Included before generic/sketch.inl.

inline Vec block_sums(const std::uint8_t* codes, const std::int8_t* query, std::int32_t offset) {
  const uint8x16_t pair = vdupq_n_u8(3);
  int32x4_t sum[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
  for (std::uint32_t g = 0; g < kSketchColumns / 16; ++g) {
    const int8x16_t q = vld1q_s8(query + 16 * g);
    for (int quarter = 0; quarter < 4; ++quarter) {
      const uint8x16_t raw = vld1q_u8(codes + 64 * g + 16 * quarter);
      const int8x16_t w[4] = {vreinterpretq_s8_u8(vandq_u8(raw, pair)),
                              vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(raw, 2), pair)),
                              vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(raw, 4), pair)),
                              vreinterpretq_s8_u8(vshrq_n_u8(raw, 6))};
      sum[quarter] = dot16<4>(sum[quarter], w, q);
    }
  }
  return each([&](int quarter) {
    return vcvtq_f32_s32(vaddq_s32(vshlq_n_s32(sum[quarter], 1), vdupq_n_s32(offset)));
  });
}
