// Pairs of 16-bit integers in 128-bit registers, for P times V in integers.

constexpr std::uint32_t kPairs = 8;
/// The first numbers and the second ones apart.
using Pairs = int16x8x2_t;
struct Sums {
  int32x4_t low, high;
};

inline Sums zero_sums() { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
inline Pairs load_pairs(const std::int16_t* p) { return vld2q_s16(p); }
inline Pairs broadcast_pair(const std::int16_t* p) {
  return {{vdupq_n_s16(p[0]), vdupq_n_s16(p[1])}};
}
inline Sums add_pairs(Sums sums, const Pairs& x, const Pairs& y) {
  for (int j = 0; j < 2; ++j) {
    sums.low = vmlal_s16(sums.low, vget_low_s16(x.val[j]), vget_low_s16(y.val[j]));
    sums.high = vmlal_high_s16(sums.high, x.val[j], y.val[j]);
  }
  return sums;
}
inline void add_scaled(float* out, const Sums& sums, float scale) {
  const float32x4_t factor = vdupq_n_f32(scale);
  vst1q_f32(out, vfmaq_f32(vld1q_f32(out), vcvtq_f32_s32(sums.low), factor));
  vst1q_f32(out + 4, vfmaq_f32(vld1q_f32(out + 4), vcvtq_f32_s32(sums.high), factor));
}
inline void store_rounded(std::int16_t* p, Vec v) {
  for (int i = 0; i < 4; ++i) vst1_s16(p + 4 * i, vqmovn_s32(vcvtnq_s32_f32(v.r[i])));
}
/// out[64 * i + 2 * c + j] = code of row 2 i + j, column c: one block of a tile (tiles.hpp), wide.
inline void pair_rows(const std::int8_t* codes, std::int16_t* out) {
  static constexpr std::uint8_t kOrder[16] = {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15};
  const uint8x16_t order = vld1q_u8(kOrder);
  for (int quarter = 0; quarter < 4; ++quarter) {  // 4 rows
    for (int s = 0; s < 8; ++s) {                  // 4 columns
      const int8x16_t pairs = vqtbl1q_s8(vld1q_s8(codes + 64 * s + 16 * quarter), order);
      std::int16_t* place = out + 128 * quarter + 8 * s;
      vst1q_s16(place, vmovl_s8(vget_low_s8(pairs)));
      vst1q_s16(place + 64, vmovl_high_s8(pairs));
    }
  }
}
/// out = (x * y + 2^14) / 2^15, rounded down, for the positions of a chunk.
inline void multiply_fractions(const std::int16_t* x, const std::int16_t* y, std::int16_t* out) {
  for (std::uint32_t k = 0; k < kChunk; k += 8)
    vst1q_s16(out + k, vqrdmulhq_s16(vld1q_s16(x + k), vld1q_s16(y + k)));
}
