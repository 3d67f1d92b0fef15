// Sixteen columns of four rows with the dot product instruction, which adds up in 32 bits. Included
// before matmul.inl.

/// sum[r] + the products of row r, for 4 steps of 4 columns. `Chain` is for processors without this
/// instruction.
template <int Chain>
[[gnu::always_inline]] inline int32x4_t dot16(int32x4_t sum, const int8x16_t* w, int8x16_t q) {
  sum = vdotq_laneq_s32(sum, w[0], q, 0);
  sum = vdotq_laneq_s32(sum, w[1], q, 1);
  sum = vdotq_laneq_s32(sum, w[2], q, 2);
  return vdotq_laneq_s32(sum, w[3], q, 3);
}
