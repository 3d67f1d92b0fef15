// Quantised matrices times 8-bit activations with AVX2: one text for every format and every number
// of columns.
//
// A tile's block (16 rows x 32 columns) is unpacked once and used for all columns. Each broadcast
// of 4 activation bytes serves both row groups of 8. maddubs multiplies unsigned codes with signed
// activations; its 16-bit sums may wrap on the way, because the offset they start from brings the
// end result back into range (tiles.hpp: |sum| <= 16 * 8 * 127 or 8 * 32 * 127).

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
inline void accumulate(float* y, __m256i sum, __m256 weight_scale, float activation_scale) {
  const __m256 scale = _mm256_mul_ps(weight_scale, _mm256_set1_ps(activation_scale));
  _mm256_storeu_ps(y, _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), scale, _mm256_loadu_ps(y)));
}

struct Q4 {
  using Block = Q4Block;
  static constexpr std::uint32_t kBlocks = 2;  // of 32 columns

  /// Adds one block of 32 columns for N activation columns to y [N][16].
  template <int N>
  static inline void block(const Q4Block& tile, std::uint32_t part, const Column (&column)[N],
                           std::uint32_t b, float* y) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const std::uint8_t* codes = tile.codes[part];
    __m256i sum[N][2];
    for (int half = 0; half < 2;
         ++half) {  // columns 0-15 in the low nibbles, 16-31 in the high ones
      __m256i w[4][2];
      for (int s = 0; s < 4; ++s) {
        for (int g = 0; g < 2; ++g) {
          const __m256i raw = load32(codes + 64 * s + 32 * g);
          w[s][g] = _mm256_and_si256(half == 0 ? raw : _mm256_srli_epi16(raw, 4), nibble);
        }
      }
      for (int c = 0; c < N; ++c) {
        if (half == 0) sum[c][0] = sum[c][1] = broadcast4(column[c].offset8 + 2 * b);
        for (int s = 0; s < 4; ++s) {
          const __m256i q = broadcast4(column[c].codes + 32 * b + 16 * half + 4 * s);
          sum[c][0] = _mm256_add_epi16(sum[c][0], _mm256_maddubs_epi16(w[s][0], q));
          sum[c][1] = _mm256_add_epi16(sum[c][1], _mm256_maddubs_epi16(w[s][1], q));
        }
      }
    }
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256 d0 = widen_scales(tile.scale[part]), d1 = widen_scales(tile.scale[part] + 8);
    for (int c = 0; c < N; ++c) {
      accumulate(y + 16 * c, _mm256_madd_epi16(sum[c][0], ones), d0, column[c].scale[b]);
      accumulate(y + 16 * c + 8, _mm256_madd_epi16(sum[c][1], ones), d1, column[c].scale[b]);
    }
  }
};

struct Q8 {
  using Block = Q8Block;
  static constexpr std::uint32_t kBlocks = 2;

  /// Signed times signed: |w| * (q with w's sign). A pair reaches 2 * 128 * 127, which fits 16 bits
  /// once; so pairs are widened at once.
  template <int N>
  static inline void block(const Q8Block& tile, std::uint32_t part, const Column (&column)[N],
                           std::uint32_t b, float* y) {
    const __m256i ones = _mm256_set1_epi16(1);
    const std::int8_t* codes = tile.codes[part];
    __m256i sum[N][2];
    for (int c = 0; c < N; ++c) sum[c][0] = sum[c][1] = _mm256_setzero_si256();
    for (int s = 0; s < 8; ++s) {
      const __m256i w0 = load32(codes + 64 * s), w1 = load32(codes + 64 * s + 32);
      const __m256i m0 = _mm256_abs_epi8(w0), m1 = _mm256_abs_epi8(w1);
      for (int c = 0; c < N; ++c) {
        const __m256i q = broadcast4(column[c].codes + 32 * b + 4 * s);
        sum[c][0] = _mm256_add_epi32(
            sum[c][0], _mm256_madd_epi16(_mm256_maddubs_epi16(m0, _mm256_sign_epi8(q, w0)), ones));
        sum[c][1] = _mm256_add_epi32(
            sum[c][1], _mm256_madd_epi16(_mm256_maddubs_epi16(m1, _mm256_sign_epi8(q, w1)), ones));
      }
    }
    const __m256 d0 = widen_scales(tile.scale[part]), d1 = widen_scales(tile.scale[part] + 8);
    for (int c = 0; c < N; ++c) {
      accumulate(y + 16 * c, sum[c][0], d0, column[c].scale[b]);
      accumulate(y + 16 * c + 8, sum[c][1], d1, column[c].scale[b]);
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

  template <int N>
  static inline void block(const Q6Block& tile, std::uint32_t part, const Column (&column)[N],
                           std::uint32_t b, float* y) {
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i sum[N][2];
    for (int half = 0; half < 2; ++half) {
      __m256i w[4][2];
      for (int g = 0; g < 2; ++g) {
        const __m256i high = load32(tile.high[part] + 64 * half + 32 * g);
        const __m256i extra[4] = {high_bits<0>(high), high_bits<1>(high), high_bits<2>(high),
                                  high_bits<3>(high)};
        for (int s = 0; s < 4; ++s) {
          const __m256i raw = load32(tile.low[part] + 64 * s + 32 * g);
          w[s][g] = _mm256_or_si256(
              _mm256_and_si256(half == 0 ? raw : _mm256_srli_epi16(raw, 4), nibble), extra[s]);
        }
      }
      const __m256i scale0 = sub_scales(tile.sub_scale[2 * part + half]),
                    scale1 = sub_scales(tile.sub_scale[2 * part + half] + 8);
      for (int c = 0; c < N; ++c) {
        __m256i p0 = broadcast4(column[c].offset32 + 4 * b + 2 * half), p1 = p0;
        for (int s = 0; s < 4; ++s) {
          const __m256i q = broadcast4(column[c].codes + 32 * b + 16 * half + 4 * s);
          p0 = _mm256_add_epi16(p0, _mm256_maddubs_epi16(w[s][0], q));
          p1 = _mm256_add_epi16(p1, _mm256_maddubs_epi16(w[s][1], q));
        }
        p0 = _mm256_madd_epi16(p0, scale0);
        p1 = _mm256_madd_epi16(p1, scale1);
        sum[c][0] = half == 0 ? p0 : _mm256_add_epi32(sum[c][0], p0);
        sum[c][1] = half == 0 ? p1 : _mm256_add_epi32(sum[c][1], p1);
      }
    }
    const __m256 d0 = widen_scales(tile.scale), d1 = widen_scales(tile.scale + 8);
    for (int c = 0; c < N; ++c) {
      accumulate(y + 16 * c, sum[c][0], d0, column[c].scale[b]);
      accumulate(y + 16 * c + 8, sum[c][1], d1, column[c].scale[b]);
    }
  }
};

/// One tile times N columns.
template <typename Format, int N>
void tile_columns(const typename Format::Block* tile, const Activations& a, float* y,
                  std::uint64_t y_stride) {
  alignas(32) float sums[N * 16] = {};
  Column column[N];
  for (int c = 0; c < N; ++c) column[c] = column_of(a, static_cast<std::uint32_t>(c));
  const std::uint32_t blocks = a.columns / kBlock;
  for (std::uint32_t b = 0; b < blocks; b += Format::kBlocks, ++tile) {
    prefetch<sizeof(typename Format::Block)>(tile);
    const std::uint32_t parts = blocks - b < Format::kBlocks ? blocks - b : Format::kBlocks;
    for (std::uint32_t part = 0; part < parts; ++part)
      Format::template block<N>(*tile, part, column, b + part, sums);
  }
  for (int c = 0; c < N; ++c) {
    for (int r = 0; r < 16; r += 8)
      _mm256_storeu_ps(y + c * y_stride + r, _mm256_load_ps(sums + 16 * c + r));
  }
}
