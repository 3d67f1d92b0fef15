// What the quantised matrix products of all x86 instruction sets share: where a column's block
// lies, prefetching, the way through a tile, and words to the compiler. Included inside an
// instruction set's namespace, before its matmul.inl.

/// How far ahead of the block in work its successor is asked for, in bytes; measured best for
/// streams from memory.
constexpr int kPrefetch = 4608;

/// Asks for what follows one part (32 columns) of a stored block. Part by part: a whole block at
/// once would be more lines than a core can wait for.
template <typename Format>
inline void prefetch_part(const typename Format::Block* block, std::uint32_t part) {
  constexpr std::uint32_t kBytes = sizeof(typename Format::Block) / Format::kBlocks;
  const char* from = reinterpret_cast<const char*>(block) + kPrefetch + part * kBytes;
  for (std::uint32_t i = 0; i < kBytes; i += 64) _mm_prefetch(from + i, _MM_HINT_T0);
}

/// Where one column's block lies: a place in a row of digits.
struct Column {
  explicit Column(const Activations& a)
      : codes(a.codes), scale(a.scale), offset8(a.offset8), offset32(a.offset32), row(a.columns) {}

  /// The same block of the next column.
  inline void next() {
    codes += row;
    scale += row / 32;
    offset8 += row / 16;
    offset32 += row / 8;
  }

  /// The next 32 numbers of the same column.
  inline void next_block() {
    codes += 32;
    scale += 1;
    offset8 += 2;
    offset32 += 4;
  }

  const std::int8_t* codes;
  const float* scale;
  const std::int16_t* offset8;
  const std::int16_t* offset32;
  std::uint64_t row;
};

#define G4_ROLLED _Pragma("GCC unroll 1")

/// Makes the compiler finish two sums here, instead of gathering their summands in registers.
#define G4_KEEP_ORDER(x, y) __asm__("" : "+x"(x), "+x"(y))

/// The same pointer, of which the compiler does not know that it read there before: loading again
/// is cheaper than keeping values on the stack.
template <typename T>
inline const T* reread(const T* p) {
  __asm__("" : "+r"(p));
  return p;
}

/// For formats that go through T tiles' blocks one after another.
template <typename Format>
struct TileByTile {
  template <int N, int T, typename Block>
  static inline void blocks(const Block* tile, std::uint64_t stride, std::uint32_t part,
                            const Column& column, float (&sums)[T][N * 16]) {
    G4_ROLLED for (int t = 0; t < T; ++t) {
      const Block* block = tile + static_cast<std::uint64_t>(t) * stride;
      prefetch_part<Format>(block, part);
      Format::template block<N>(*block, part, column, sums[t]);
    }
  }
};

/// T tiles times N columns of digits, tiles `stride` blocks apart; of each y the digits are added
/// up. Two tiles that are read side by side are two streams: the memory gives a core more that way;
/// and where registers suffice, a format takes both for each activation that it loads.
template <typename Format, int N, int T>
void tile_columns(const typename Format::Block* tile, std::uint64_t stride, const Activations& a,
                  float* y, std::uint64_t y_stride) {
  alignas(64) float sums[T][N * 16] = {};
  Column column(a);
  const std::uint32_t blocks = a.columns / kBlock;
  for (std::uint32_t b = 0; b < blocks; b += Format::kBlocks, ++tile) {
    const std::uint32_t parts = blocks - b < Format::kBlocks ? blocks - b : Format::kBlocks;
    G4_ROLLED for (std::uint32_t part = 0; part < parts; ++part, column.next_block()) {
      Format::template blocks<N, T>(tile, stride, part, column, sums);
    }
  }
  for (int t = 0; t < T; ++t) {
    const float* sum = sums[t];
    float* out = y + 16 * t;
    if (N % 2 == 0 && a.digits == 2) {
      for (int c = 0; c < N; c += 2, sum += 32, out += y_stride)
        store(out, add(load(sum), load(sum + 16)));
    } else {
      for (int c = 0; c < N; ++c, sum += 16, out += y_stride) store(out, load(sum));
    }
  }
}
