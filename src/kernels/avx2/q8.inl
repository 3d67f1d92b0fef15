// Q8_0 with AVX2. Signed codes times signed activations need a detour.

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
