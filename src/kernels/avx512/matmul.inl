// Quantised matrices times 8-bit activations with AVX-512-VNNI: 16 rows in a register, four
// products of a row in one instruction. vpdpbusd multiplies unsigned codes with signed activations
// and adds up in 32 bits, so nothing can overflow; the codes' offset is in the value that the sum
// starts from.

inline __m512i broadcast4(const void* p) {
  int bits;
  __builtin_memcpy(&bits, p, 4);
  return _mm512_set1_epi32(bits);
}
inline __m512i load64(const void* p) { return _mm512_loadu_si512(p); }
inline __m512 widen_scales(const std::uint16_t* p) { return load_half(p); }
inline __m512 widen_scales(const Bf16Scale* p) { return load_part_bf16(&p->bits); }
inline __m512 widen_scales(const float* p) { return load(p); }

/// factor * (sum of the two stored halves), in every lane.
inline __m512i start_value(const std::int16_t* halves, std::int16_t factor) {
  return _mm512_dpwssd_epi32(_mm512_setzero_si512(), broadcast4(halves), _mm512_set1_epi16(factor));
}

/// y = fma(float(sum), d_w * d_a, y) for 16 rows.
inline void accumulate(float* y, __m512i sum, __m512 weight_scale, float activation_scale) {
  store(y, fma(_mm512_cvtepi32_ps(sum), mul(weight_scale, set1(activation_scale)), load(y)));
}

/// Adds one block of 32 columns of T tiles for N activation columns, w being unsigned codes and
/// factor * offset8 where their sums start. Every broadcast serves all tiles: loads are what limits
/// this loop.
template <int N, int T>
[[gnu::always_inline]] inline void add_blocks(const __m512i (&w)[T][8], const __m512 (&scale)[T],
                                              const Column& first, std::int16_t factor,
                                              float* const (&y)[T]) {
  Column column = first;
  G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
    __m512i sum[T];
    sum[0] = start_value(column.offset8, factor);
    for (int t = 1; t < T; ++t) sum[t] = sum[0];
    for (int s = 0; s < 8; ++s) {
      const __m512i q = broadcast4(column.codes + 4 * s);
      for (int t = 0; t < T; ++t) sum[t] = _mm512_dpbusd_epi32(sum[t], w[t][s], q);
    }
    for (int t = 0; t < T; ++t) accumulate(y[t] + 16 * c, sum[t], scale[t], *column.scale);
  }
}

/// Q4_0, and its like with other scales.
template <typename StoredBlock>
struct FourBits {
  using Block = StoredBlock;
  static constexpr std::uint32_t kBlocks = 2;  // of 32 columns

  template <int N, int T>
  [[gnu::always_inline]] static inline void blocks(const Block* const (&tile)[T],
                                                   std::uint32_t part, const Column& first,
                                                   float* const (&y)[T]) {
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512i w[T][8];
    __m512 scale[T];
    for (int t = 0; t < T; ++t) {
      for (int s = 0; s < 4; ++s) {
        const __m512i raw = load64(tile[t]->codes[part] + 64 * s);
        w[t][s] = _mm512_and_si512(raw, nibble);
        w[t][s + 4] = _mm512_and_si512(_mm512_srli_epi16(raw, 4), nibble);
      }
      scale[t] = widen_scales(tile[t]->scale[part]);
    }
    add_blocks<N, T>(w, scale, first, 1, y);
  }
  template <int N>
  static inline void block(const Block& tile, std::uint32_t part, const Column& first, float* y) {
    blocks<N, 1>({&tile}, part, first, {y});
  }
};
using Q4 = FourBits<Q4Block>;

struct Q8 {
  using Block = Q8Block;
  static constexpr std::uint32_t kBlocks = 2;

  template <int N, int T>
  [[gnu::always_inline]] static inline void blocks(const Q8Block* const (&tile)[T],
                                                   std::uint32_t part, const Column& first,
                                                   float* const (&y)[T]) {
    __m512i w[T][8];  // code + 128, unsigned
    __m512 scale[T];
    for (int t = 0; t < T; ++t) {
      for (int s = 0; s < 8; ++s)
        w[t][s] = _mm512_xor_si512(load64(tile[t]->codes[part] + 64 * s), _mm512_set1_epi8(-128));
      scale[t] = widen_scales(tile[t]->scale[part]);
    }
    add_blocks<N, T>(w, scale, first, 16, y);
  }
  template <int N>
  static inline void block(const Q8Block& tile, std::uint32_t part, const Column& first, float* y) {
    blocks<N, 1>({&tile}, part, first, {y});
  }
};

struct Q6 {
  using Block = Q6Block;
  static constexpr std::uint32_t kBlocks = 8;

  /// The codes of a part, with their offset of 32.
  static inline void unpack(const Q6Block& block, std::uint32_t part, __m512i (&w)[8]) {
    const __m512i nibble = _mm512_set1_epi8(15), pair = _mm512_set1_epi8(0x30);
    for (int half = 0; half < 2; ++half) {
      const __m512i high = load64(block.high[part] + 64 * half);
      const __m512i moved[4] = {_mm512_slli_epi16(high, 4), _mm512_slli_epi16(high, 2), high,
                                _mm512_srli_epi16(high, 2)};
      for (int s = 0; s < 4; ++s) {
        const __m512i raw = load64(block.low[part] + 64 * s);
        const __m512i low = _mm512_and_si512(half == 0 ? raw : _mm512_srli_epi16(raw, 4), nibble);
        w[4 * half + s] = _mm512_or_si512(low, _mm512_and_si512(moved[s], pair));
      }
    }
  }

  template <int N>
  static inline void block(const Q6Block& tile, std::uint32_t part, const Column& first, float* y) {
    __m512i w[8], sub_scale[2];
    unpack(tile, part, w);
    for (std::uint32_t half = 0; half < 2; ++half) {
      sub_scale[half] = _mm512_cvtepi8_epi32(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(tile.sub_scale[2 * part + half])));
    }
    const __m512 scale = widen_scales(tile.scale);
    Column column = first;
    G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
      __m512i sum[2];
      for (int half = 0; half < 2; ++half) {
        sum[half] = start_value(column.offset32 + 2 * half, 1);
        for (int s = 0; s < 4; ++s) {
          sum[half] = _mm512_dpbusd_epi32(sum[half], w[4 * half + s],
                                          broadcast4(column.codes + 16 * half + 4 * s));
        }
      }
      const __m512i whole = _mm512_add_epi32(_mm512_mullo_epi32(sum[0], sub_scale[0]),
                                             _mm512_mullo_epi32(sum[1], sub_scale[1]));
      accumulate(y + 16 * c, whole, scale, *column.scale);
    }
  }
};
