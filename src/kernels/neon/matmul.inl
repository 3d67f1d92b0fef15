// Quantised matrices times 8-bit activations with NEON: one text for every format and every number
// of columns, and for processors with and without the dot product instruction (dot16, included
// before).
//
// A register holds 4 rows x 4 columns of codes, so the 32 columns of a block are 8 registers. Two
// such groups of rows are unpacked at a time and used for all activation columns: 16 registers of
// codes leave the others for sums. All of it is forced inline, because a call would put the codes
// into memory. Both factors of a product are signed bytes; codes that are stored with an offset (at
// most 63) stay as they are, and the sum starts from the stored term.

/// The sum of two stored halves, in every lane.
inline int32x4_t start_value(const std::int16_t* halves) {
  return vdupq_n_s32(halves[0] + halves[1]);
}

/// Q4_0, and its like with other scales.
template <typename StoredBlock>
struct FourBits {
  using Block = StoredBlock;
  static constexpr std::uint32_t kBlocks = 2;  // of 32 columns

  /// Four rows of one block of 32 columns.
  struct Rows {
    int8x16_t w[8];
  };
  [[gnu::always_inline]] static inline Rows unpack(const Block& tile, std::uint32_t part,
                                                   int group) {
    Rows rows;
    for (int s = 0; s < 4; ++s) {
      const uint8x16_t raw = vld1q_u8(tile.codes[part] + 64 * s + 16 * group);
      rows.w[s] = vreinterpretq_s8_u8(vandq_u8(raw, vdupq_n_u8(15)));
      rows.w[s + 4] = vreinterpretq_s8_u8(vshrq_n_u8(raw, 4));
    }
    return rows;
  }
  static inline const auto* scales(const Block& tile, std::uint32_t part) {
    return tile.scale[part];
  }
  /// The exact sums of the four rows with block b of a column, whose codes are q0, q1.
  /// 16 bits hold 4 * 15 * 127.
  [[gnu::always_inline]] static inline int32x4_t sum(const Rows& rows, int8x16_t q0, int8x16_t q1,
                                                     const Activations& column, std::uint32_t b) {
    const int32x4_t first = dot16<4>(start_value(column.offset8 + 2 * b), rows.w, q0);
    return dot16<4>(first, rows.w + 4, q1);
  }
};
using Q4 = FourBits<Q4Block>;

struct Q8 {
  using Block = Q8Block;
  static constexpr std::uint32_t kBlocks = 2;

  struct Rows {
    int8x16_t w[8];
  };
  [[gnu::always_inline]] static inline Rows unpack(const Q8Block& tile, std::uint32_t part,
                                                   int group) {
    Rows rows;
    for (int s = 0; s < 8; ++s) rows.w[s] = vld1q_s8(tile.codes[part] + 64 * s + 16 * group);
    return rows;
  }
  static inline const std::uint16_t* scales(const Q8Block& tile, std::uint32_t part) {
    return tile.scale[part];
  }
  /// 16 bits hold 2 * 128 * 127, and no more.
  [[gnu::always_inline]] static inline int32x4_t sum(const Rows& rows, int8x16_t q0, int8x16_t q1,
                                                     const Activations&, std::uint32_t) {
    return dot16<2>(dot16<2>(vdupq_n_s32(0), rows.w, q0), rows.w + 4, q1);
  }
};

struct Q6 {
  using Block = Q6Block;
  static constexpr std::uint32_t kBlocks = 8;

  struct Rows {
    int8x16_t w[8];
    int32x4_t sub_scale[2];  // for 16 columns each
  };
  [[gnu::always_inline]] static inline Rows unpack(const Q6Block& tile, std::uint32_t part,
                                                   int group) {
    const uint8x16_t nibble = vdupq_n_u8(15), pair = vdupq_n_u8(0x30);
    Rows rows;
    for (int half = 0; half < 2; ++half) {
      const uint8x16_t high = vld1q_u8(tile.high[part] + 64 * half + 16 * group);
      const uint8x16_t moved[4] = {vshlq_n_u8(high, 4), vshlq_n_u8(high, 2), high,
                                   vshrq_n_u8(high, 2)};
      for (int s = 0; s < 4; ++s) {
        const uint8x16_t raw = vld1q_u8(tile.low[part] + 64 * s + 16 * group);
        const uint8x16_t low = half == 0 ? vandq_u8(raw, nibble) : vshrq_n_u8(raw, 4);
        rows.w[4 * half + s] = vreinterpretq_s8_u8(vorrq_u8(low, vandq_u8(moved[s], pair)));
      }
      std::int32_t four;
      __builtin_memcpy(&four,
                       tile.sub_scale[2 * part + static_cast<std::uint32_t>(half)] + 4 * group, 4);
      const int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
      rows.sub_scale[half] = vmovl_s16(vget_low_s16(wide));
    }
    return rows;
  }
  static inline const std::uint16_t* scales(const Q6Block& tile, std::uint32_t) {
    return tile.scale;
  }
  /// 16 bits hold 4 * 63 * 127, and no more.
  [[gnu::always_inline]] static inline int32x4_t sum(const Rows& rows, int8x16_t q0, int8x16_t q1,
                                                     const Activations& column, std::uint32_t b) {
    const int32x4_t first = dot16<4>(start_value(column.offset32 + 4 * b), rows.w, q0);
    const int32x4_t second = dot16<4>(start_value(column.offset32 + 4 * b + 2), rows.w + 4, q1);
    return vmlaq_s32(vmulq_s32(first, rows.sub_scale[0]), second, rows.sub_scale[1]);
  }
};

inline float32x4_t widen_scales(const std::uint16_t* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
inline float32x4_t widen_scales(const Bf16Scale* p) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(&p->bits), 16));
}
inline float32x4_t widen_scales(const float* p) { return vld1q_f32(p); }

/// Adds one block of 32 columns for N activation columns, of 8 rows from row 4 * group on.
template <typename Format, int N>
[[gnu::always_inline]] inline void add_block(const typename Format::Block& tile, std::uint32_t part,
                                             int group, const Activations (&column)[N],
                                             std::uint32_t b, float32x4_t (&y)[N][4]) {
  const typename Format::Rows rows[2] = {Format::unpack(tile, part, group),
                                         Format::unpack(tile, part, group + 1)};
  const auto* scales = Format::scales(tile, part) + 4 * group;
  const float32x4_t d[2] = {widen_scales(scales), widen_scales(scales + 4)};
  const auto take = [&](int c) {
    const std::int8_t* codes = column[c].codes + std::uint64_t{32} * b;
    const int8x16_t q0 = vld1q_s8(codes), q1 = vld1q_s8(codes + 16);
    const float activation_scale = column[c].scale[b];
    for (int i = 0; i < 2; ++i) {
      const float32x4_t sum = vcvtq_f32_s32(Format::sum(rows[i], q0, q1, column[c], b));
      float32x4_t& out = y[c][group + i];
      out = vfmaq_f32(out, sum, vmulq_n_f32(d[i], activation_scale));
    }
  };
  if constexpr (N <= 2) {  // the columns' sums stay in registers
    for (int c = 0; c < N; ++c) take(c);
  } else {  // unrolled, the codes would not stay there: GCC mixes the columns until it runs out
#pragma GCC unroll 1
    for (int c = 0; c < N; ++c) take(c);
  }
}

/// One tile times N columns of digits; of each y the digits are added up.
template <typename Format, int N, int T>
void tile_columns(const typename Format::Block* tile, std::uint64_t, const Activations& a, float* y,
                  std::uint64_t y_stride) {
  static_assert(T == 1);
  float32x4_t sums[N][4];
  Activations column[N];
  for (int c = 0; c < N; ++c) {
    for (int g = 0; g < 4; ++g) sums[c][g] = vdupq_n_f32(0.0f);
    column[c] = a.from_digits(static_cast<std::uint32_t>(c));
  }
  const std::uint32_t blocks = a.columns / kBlock;
  for (std::uint32_t b = 0; b < blocks; b += Format::kBlocks, ++tile) {
    const std::uint32_t parts = blocks - b < Format::kBlocks ? blocks - b : Format::kBlocks;
    for (std::uint32_t part = 0; part < parts; ++part) {
      add_block<Format, N>(*tile, part, 0, column, b + part, sums);
      add_block<Format, N>(*tile, part, 2, column, b + part, sums);
    }
  }
  const bool pairs = N % 2 == 0 && a.digits == 2;
  for (int c = 0; c < N; c += pairs ? 2 : 1, y += y_stride) {
    for (int g = 0; g < 4; ++g)
      vst1q_f32(y + 4 * g, pairs ? vaddq_f32(sums[c][g], sums[c + 1][g]) : sums[c][g]);
  }
}
