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

/// Q4_0, and its like with other scales.
template <typename StoredBlock>
struct FourBits {
  using Block = StoredBlock;
  static constexpr std::uint32_t kBlocks = 2;
  static constexpr std::uint32_t kPairedColumns = 4;  // up to which two tiles go side by side

  template <int N>
  static inline void block(const Block& tile, std::uint32_t part, const Column& first, float* y) {
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512i w[8];
    for (int s = 0; s < 4; ++s) {
      const __m512i raw = load64(tile.codes[part] + 64 * s);
      w[s] = _mm512_and_si512(raw, nibble);
      w[s + 4] = _mm512_and_si512(_mm512_srli_epi16(raw, 4), nibble);
    }
    const __m512 scale = widen_scales(tile.scale[part]);
    Column column = first;
    G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
      __m512i sum = start_value(column.offset8, 1);
      for (int s = 0; s < 8; ++s)
        sum = _mm512_dpbusd_epi32(sum, w[s], broadcast4(column.codes + 4 * s));
      accumulate(y + 16 * c, sum, scale, *column.scale);
    }
  }
};
using Q4 = FourBits<Q4Block>;

struct Q8 {
  using Block = Q8Block;
  static constexpr std::uint32_t kBlocks = 2;
  static constexpr std::uint32_t kPairedColumns = 4;

  template <int N>
  static inline void block(const Q8Block& tile, std::uint32_t part, const Column& first, float* y) {
    __m512i w[8];  // code + 128, unsigned
    for (int s = 0; s < 8; ++s)
      w[s] = _mm512_xor_si512(load64(tile.codes[part] + 64 * s), _mm512_set1_epi8(-128));
    const __m512 scale = widen_scales(tile.scale[part]);
    Column column = first;
    G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
      __m512i sum = start_value(column.offset8, 16);
      for (int s = 0; s < 8; ++s)
        sum = _mm512_dpbusd_epi32(sum, w[s], broadcast4(column.codes + 4 * s));
      accumulate(y + 16 * c, sum, scale, *column.scale);
    }
  }
};

struct Q6 {
  using Block = Q6Block;
  static constexpr std::uint32_t kBlocks = 8;
  static constexpr std::uint32_t kPairedColumns = 0;

  template <int N>
  static inline void block(const Q6Block& tile, std::uint32_t part, const Column& first, float* y) {
    const __m512i nibble = _mm512_set1_epi8(15), pair = _mm512_set1_epi8(0x30);
    __m512i w[8], sub_scale[2];
    for (int half = 0; half < 2; ++half) {
      const __m512i high = load64(tile.high[part] + 64 * half);
      const __m512i moved[4] = {_mm512_slli_epi16(high, 4), _mm512_slli_epi16(high, 2), high,
                                _mm512_srli_epi16(high, 2)};
      for (int s = 0; s < 4; ++s) {
        const __m512i raw = load64(tile.low[part] + 64 * s);
        const __m512i low = _mm512_and_si512(half == 0 ? raw : _mm512_srli_epi16(raw, 4), nibble);
        w[4 * half + s] = _mm512_or_si512(low, _mm512_and_si512(moved[s], pair));
      }
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
        sum[half] = _mm512_mullo_epi32(sum[half], sub_scale[half]);
      }
      accumulate(y + 16 * c, _mm512_add_epi32(sum[0], sum[1]), scale, *column.scale);
    }
  }
};
