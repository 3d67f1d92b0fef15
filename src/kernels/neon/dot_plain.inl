// Sixteen columns of four rows with the instructions that every 64-bit Arm has. Included before
// matmul.inl.

/// sum[r] + the products of row r, for 4 steps of 4 columns. The products of `Chain` steps are
/// added up in 16 bits before they are widened.
template <int Chain>
[[gnu::always_inline]] inline int32x4_t dot16(int32x4_t sum, const int8x16_t* w, int8x16_t q) {
  const int32x4_t bytes = vreinterpretq_s32_s8(q);
  const int8x16_t step[4] = {vreinterpretq_s8_s32(vdupq_laneq_s32(bytes, 0)),
                             vreinterpretq_s8_s32(vdupq_laneq_s32(bytes, 1)),
                             vreinterpretq_s8_s32(vdupq_laneq_s32(bytes, 2)),
                             vreinterpretq_s8_s32(vdupq_laneq_s32(bytes, 3))};
  for (int s = 0; s < 4; s += Chain) {
    int16x8_t low = vmull_s8(vget_low_s8(w[s]), vget_low_s8(step[s]));  // rows 0 and 1
    int16x8_t high = vmull_high_s8(w[s], step[s]);                      // rows 2 and 3
    for (int i = s + 1; i < s + Chain; ++i) {
      low = vmlal_s8(low, vget_low_s8(w[i]), vget_low_s8(step[i]));
      high = vmlal_high_s8(high, w[i], step[i]);
    }
    sum = vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
  }
  return sum;
}
