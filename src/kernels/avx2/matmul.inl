// Quantised matrices times 8-bit activations in 256-bit registers: one text for every number of
// columns, with 16-bit sums (avx2/dot.inl) or 32-bit ones (avxvnni/dot.inl). Included after
// x86_tiles.inl, registers.inl and one of the two; q8.inl of the instruction set follows.
//
// A tile's block (16 rows x 32 columns) is unpacked in halves of 16 columns. A half fills 8
// registers and stays there while all activation columns pass: four broadcasts of 4 codes each,
// every one against both row groups of 8; the sums of the first half wait in memory for the second.
//
// Loops over columns are kept rolled: unrolled, the compiler mixes columns and runs out of
// registers.

/// sum += w * q for 16 columns of 16 rows; w [step of 4 columns][row group], sum [row group].
inline void multiply_half(const __m256i (&w)[4][2], const std::int8_t* codes, __m256i (&sum)[2]) {
  for (int s = 0; s < 4; ++s) {
    const __m256i q = broadcast4(codes + 4 * s);
    sum[0] = add_products(sum[0], w[s][0], q);
    sum[1] = add_products(sum[1], w[s][1], q);
    G4_KEEP_ORDER(sum[0], sum[1]);
  }
}

/// Adds one block of 32 columns for two activation columns, whose sums stay in registers: what
/// waits in memory costs half of the time here.
template <typename Format>
inline void add_two(const typename Format::Block& tile, std::uint32_t part, const Column& first,
                    float* y) {
  const auto* codes = tile.codes[part];
  __m256i sums[2][2], w[4][2];
  Format::unpack(codes, 0, w);
  Column second = first;
  second.next();
  sums[0][0] = sums[0][1] = Format::start(first);
  multiply_half(w, first.codes, sums[0]);
  sums[1][0] = sums[1][1] = Format::start(second);
  multiply_half(w, second.codes, sums[1]);
  Format::unpack(reread(codes), 1, w);
  const __m256 d0 = widen_scales(tile.scale[part]), d1 = widen_scales(tile.scale[part] + 8);
  multiply_half(w, first.codes + 16, sums[0]);
  multiply_half(w, second.codes + 16, sums[1]);
  __m256 scale = _mm256_broadcast_ss(first.scale);
  accumulate(y, widen_sum(sums[0][0]), d0, scale);
  accumulate(y + 8, widen_sum(sums[0][1]), d1, scale);
  scale = _mm256_broadcast_ss(second.scale);
  accumulate(y + 16, widen_sum(sums[1][0]), d0, scale);
  accumulate(y + 24, widen_sum(sums[1][1]), d1, scale);
}

/// Adds one block of 32 columns for N activation columns to y [N][16]. Format unpacks the codes of
/// columns 0-15 or 16-31 and says where a sum starts.
template <typename Format, int N>
inline void add_block(const typename Format::Block& tile, std::uint32_t part, const Column& first,
                      float* y) {
  if constexpr (N == 2) return add_two<Format>(tile, part, first, y);
  const auto* codes = tile.codes[part];
  __m256i sums[N][2], w[4][2];
  Format::unpack(codes, 0, w);
  Column column = first;
  G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
    sums[c][0] = sums[c][1] = Format::start(column);
    multiply_half(w, column.codes, sums[c]);
  }
  Format::unpack(reread(codes), 1, w);
  const __m256 d0 = widen_scales(tile.scale[part]), d1 = widen_scales(tile.scale[part] + 8);
  column = first;
  G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
    __m256i sum[2] = {sums[c][0], sums[c][1]};
    multiply_half(w, column.codes + 16, sum);
    const __m256 scale = _mm256_broadcast_ss(column.scale);
    accumulate(y + 16 * c, widen_sum(sum[0]), d0, scale);
    accumulate(y + 16 * c + 8, widen_sum(sum[1]), d1, scale);
  }
}

/// Q4_0, and its like with other scales.
template <typename StoredBlock>
struct FourBits {
  using Block = StoredBlock;
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

  static inline __m256i start(const Column& column) { return start_sum(column.offset8); }

  template <int N>
  static inline void block(const Block& tile, std::uint32_t part, const Column& first, float* y) {
    add_block<FourBits, N>(tile, part, first, y);
  }
};
using Q4 = FourBits<Q4Block>;

struct Q6 {
  using Block = Q6Block;
  static constexpr std::uint32_t kBlocks = 8;

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
      __m256i sum[2] = {start_sum(column.offset32), start_sum(column.offset32)};
      multiply_half(w, column.codes, sum);
      sums[c][0] = scale_sum(sum[0], scale0);
      sums[c][1] = scale_sum(sum[1], scale1);
    }
    unpack(reread(low), tile.high[part], 1, w);
    scale0 = sub_scales(sub_scale + 16), scale1 = sub_scales(sub_scale + 24);
    column = first;
    G4_ROLLED for (int c = 0; c < N; ++c, column.next()) {
      __m256i sum[2] = {start_sum(column.offset32 + 2), start_sum(column.offset32 + 2)};
      multiply_half(w, column.codes + 16, sum);
      const __m256 scale = _mm256_broadcast_ss(column.scale);
      accumulate(y + 16 * c, _mm256_add_epi32(sums[c][0], scale_sum(sum[0], scale0)),
                 widen_scales(tile.scale), scale);
      accumulate(y + 16 * c + 8, _mm256_add_epi32(sums[c][1], scale_sum(sum[1], scale1)),
                 widen_scales(tile.scale + 8), scale);
    }
  }
};
