// Quantised matrices times 8-bit activations with AVX2: one text for every format and every number
// of columns.
//
// A tile's block (16 rows x 32 columns) is unpacked in halves of 16 columns. A half fills 8
// registers and stays there while all activation columns pass: four broadcasts of 4 codes each,
// every one against both row groups of 8; the sums of the first half wait in memory for the second.
// maddubs multiplies unsigned codes with signed activations; its 16-bit sums may wrap on the way,
// because the offset they start from brings the end result back into range (tiles.hpp: |sum| <= 16
// * 8 * 127 or 8 * 32 * 127).
//
// Loops over columns are kept rolled: unrolled, the compiler mixes columns and runs out of
// registers.

inline __m256i broadcast4(const void* p) {
  int bits;
  __builtin_memcpy(&bits, p, 4);
  return _mm256_set1_epi32(bits);
}
inline __m256i load32(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
inline __m256 widen_scales(const std::uint16_t* p) {
  return _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(p)));
}

/// y = fma(float(sum), d_w * d_a, y) for 8 rows.
inline void accumulate(float* y, __m256i sum, __m256 weight_scale, __m256 activation_scale) {
  const __m256 scale = _mm256_mul_ps(weight_scale, activation_scale);
  _mm256_store_ps(y, _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), scale, _mm256_load_ps(y)));
}

/// sum += w * q for 16 columns of 16 rows; w [step of 4 columns][row group], sum [row group].
inline void multiply_half(const __m256i (&w)[4][2], const std::int8_t* codes, __m256i (&sum)[2]) {
  for (int s = 0; s < 4; ++s) {
    const __m256i q = broadcast4(codes + 4 * s);
    sum[0] = _mm256_add_epi16(sum[0], _mm256_maddubs_epi16(w[s][0], q));
    sum[1] = _mm256_add_epi16(sum[1], _mm256_maddubs_epi16(w[s][1], q));
    G4_KEEP_ORDER(sum[0], sum[1]);
  }
}

struct Q4 {
  using Block = Q4Block;
  static constexpr std::uint32_t kBlocks = 2;  // of 32 columns

  /// The codes of columns 0-15 (low nibbles) or 16-31 (high ones).
  static inline void unpack(const std::uint8_t* codes, int half, __m256i (&w)[4][2]) {
    const __m256i nibble = _mm256_set1_epi8(15);
    for (int s = 0; s < 4; ++s) {
      for (int g = 0; g < 2; ++g) {
        const __m256i raw = load32(codes + 64 * s + 32 * g);
        w[s][g] = _mm256_and_si256(half == 0 ? raw : _mm256_srli_epi16(raw, 4), nibble);
      }
    }
  }

  /// Adds one block of 32 columns for N activation columns to y [N][16].
  template <int N>
  static inline void block(const Q4Block& tile, std::uint32_t part, const Column& first, float* y) {
    const std::uint8_t* codes = tile.codes[part];
    __m256i sums[N][2], w[4][2];
    unpack(codes, 0, w);
    Column column = first;
    G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
      sums[c][0] = sums[c][1] = broadcast4(column.offset8);
      multiply_half(w, column.codes, sums[c]);
    }
    unpack(reread(codes), 1, w);
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256 d0 = widen_scales(tile.scale[part]), d1 = widen_scales(tile.scale[part] + 8);
    column = first;
    G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
      __m256i sum[2] = {sums[c][0], sums[c][1]};
      multiply_half(w, column.codes + 16, sum);
      const __m256 scale = _mm256_broadcast_ss(column.scale);
      accumulate(y + 16 * c, _mm256_madd_epi16(sum[0], ones), d0, scale);
      accumulate(y + 16 * c + 8, _mm256_madd_epi16(sum[1], ones), d1, scale);
    }
  }
};

struct Q8 {
  using Block = Q8Block;
  static constexpr std::uint32_t kBlocks = 2;

  /// Signed times signed: |w| * (q with w's sign). A pair reaches 2 * 128 * 127, which fits 16 bits
  /// once; so pairs are widened at once. Registers hold 16 columns of one row group.
  template <int N>
  static inline void block(const Q8Block& tile, std::uint32_t part, const Column& first, float* y) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sums[N][2];
    for (int g = 0; g < 2; ++g) {
      const std::int8_t* codes = tile.codes[part] + 32 * g;
      const __m256 d = widen_scales(tile.scale[part] + 8 * g);
      for (int half = 0; half < 2; ++half) {
        __m256i w[4], magnitude[4];
        for (int s = 0; s < 4; ++s) {
          w[s] = load32(codes + 64 * (4 * half + s));
          magnitude[s] = _mm256_abs_epi8(w[s]);
        }
        Column column = first;
        G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
          __m256i sum = half == 0 ? _mm256_setzero_si256() : sums[c][g];
          for (int s = 0; s < 4; ++s) {
            const __m256i q = broadcast4(column.codes + 16 * half + 4 * s);
            const __m256i pairs = _mm256_maddubs_epi16(magnitude[s], _mm256_sign_epi8(q, w[s]));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
          }
          if (half == 0)
            sums[c][g] = sum;
          else
            accumulate(y + 16 * c + 8 * g, sum, d, _mm256_broadcast_ss(column.scale));
        }
      }
    }
  }
};

struct Q6 {
  using Block = Q6Block;
  static constexpr std::uint32_t kBlocks = 8;

  /// The integer scale of each row for 16 columns, in both 16-bit halves of the row's lane: maddwd
  /// then sums and scales at once.
  static inline __m256i sub_scales(const std::int8_t* p) {
    const __m256i wide = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    const __m256i twice = _mm256_setr_epi8(0, 1, 0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13, 0, 1,
                                           0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13);
    return _mm256_shuffle_epi8(wide, twice);
  }

  template <int Field>
  static inline __m256i high_bits(__m256i raw) {  // the field's two bits at bits 4 and 5
    const __m256i moved = Field == 0   ? _mm256_slli_epi16(raw, 4)
                          : Field == 1 ? _mm256_slli_epi16(raw, 2)
                          : Field == 2 ? raw
                                       : _mm256_srli_epi16(raw, 2);
    return _mm256_and_si256(moved, _mm256_set1_epi8(0x30));
  }

  /// The codes of columns 0-15 or 16-31 of a part.
  static inline void unpack(const std::uint8_t* low, const std::uint8_t* high, int half,
                            __m256i (&w)[4][2]) {
    const __m256i nibble = _mm256_set1_epi8(15);
    for (int g = 0; g < 2; ++g) {
      const __m256i two = load32(high + 64 * half + 32 * g);
      const __m256i extra[4] = {high_bits<0>(two), high_bits<1>(two), high_bits<2>(two),
                                high_bits<3>(two)};
      for (int s = 0; s < 4; ++s) {
        const __m256i raw = load32(low + 64 * s + 32 * g);
        w[s][g] = _mm256_or_si256(
            _mm256_and_si256(half == 0 ? raw : _mm256_srli_epi16(raw, 4), nibble), extra[s]);
      }
    }
  }

  template <int N>
  static inline void block(const Q6Block& tile, std::uint32_t part, const Column& first, float* y) {
    const std::uint8_t* low = tile.low[part];
    const std::int8_t* sub_scale = tile.sub_scale[2 * part];
    __m256i sums[N][2], w[4][2];
    unpack(low, tile.high[part], 0, w);
    __m256i scale0 = sub_scales(sub_scale), scale1 = sub_scales(sub_scale + 8);
    Column column = first;
    G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
      __m256i sum[2] = {broadcast4(column.offset32), broadcast4(column.offset32)};
      multiply_half(w, column.codes, sum);
      sums[c][0] = _mm256_madd_epi16(sum[0], scale0);
      sums[c][1] = _mm256_madd_epi16(sum[1], scale1);
    }
    unpack(reread(low), tile.high[part], 1, w);
    scale0 = sub_scales(sub_scale + 16), scale1 = sub_scales(sub_scale + 24);
    column = first;
    G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
      __m256i sum[2] = {broadcast4(column.offset32 + 2), broadcast4(column.offset32 + 2)};
      multiply_half(w, column.codes + 16, sum);
      const __m256 scale = _mm256_broadcast_ss(column.scale);
      accumulate(y + 16 * c, _mm256_add_epi32(sums[c][0], _mm256_madd_epi16(sum[0], scale0)),
                 widen_scales(tile.scale), scale);
      accumulate(y + 16 * c + 8, _mm256_add_epi32(sums[c][1], _mm256_madd_epi16(sum[1], scale1)),
                 widen_scales(tile.scale + 8), scale);
    }
  }
};

/// One tile times N columns.
template <typename Format, int N>
void tile_columns(const typename Format::Block* tile, const Activations& a, float* y,
                  std::uint64_t y_stride) {
  alignas(32) float sums[N * 16] = {};
  Column column(a);
  const std::uint32_t blocks = a.columns / kBlock;
  for (std::uint32_t b = 0; b < blocks; b += Format::kBlocks, ++tile) {
    const std::uint32_t parts = blocks - b < Format::kBlocks ? blocks - b : Format::kBlocks;
    G4_ROLLED for (std::uint32_t part = 0; part < parts; ++part, column.next_block()) {
      prefetch_part<Format>(tile, part);
      Format::template block<N>(*tile, part, column, sums);
    }
  }
  for (int c = 0; c < N; ++c) {
    for (int r = 0; r < 16; r += 8)
      _mm256_storeu_ps(y + c * y_stride + r, _mm256_load_ps(sums + 16 * c + r));
  }
}
