// Q8_0 with AVX-VNNI: the codes are made unsigned, the sum starts from -128 * sum(q).

struct Q8 {
  using Block = Q8Block;
  static constexpr std::uint32_t kBlocks = 2;

  static inline void unpack(const std::int8_t* codes, int half, __m256i (&w)[4][2]) {
    for (int s = 0; s < 4; ++s) {
      for (int g = 0; g < 2; ++g) {
        w[s][g] =
            _mm256_xor_si256(load32(codes + 64 * (4 * half + s) + 32 * g), _mm256_set1_epi8(-128));
      }
    }
  }

  static inline __m256i start(const Column& column) { return start_sum<16>(column.offset8); }

  template <int N>
  static inline void block(const Q8Block& tile, std::uint32_t part, const Column& first, float* y) {
    add_block<Q8, N>(tile, part, first, y);
  }
};
