// What the quantised matrix products of all x86 instruction sets share: where a column's block
// lies, prefetching, the way through a tile, and words to the compiler. Included inside an
// instruction set's namespace, before its matmul.inl.

/// How far ahead of the block in work its successor is asked for, in bytes; measured best for
/// streams from memory.
constexpr int kPrefetch = 4608;

/// T tiles that lie one behind the other and are read side by side. Behind the end of each comes
/// the place T - 1 tiles later.
template <typename Format, int T>
struct Stream {
  const char* end;     ///< of the first tile
  std::uint64_t skip;  ///< bytes of T - 1 tiles

  /// Asks for what follows one part (32 columns) of a stored block of the t-th tile, and looks up a
  /// page that comes later. Part by part: a whole block at once would be more lines than a core can
  /// wait for. Inlined by force, as look_up_page.
  [[gnu::always_inline]] inline void ask(const typename Format::Block* block, std::uint32_t part,
                                         std::uint64_t t) const {
    constexpr std::uint32_t kBytes = sizeof(typename Format::Block) / Format::kBlocks;
    const char* from = reinterpret_cast<const char*>(block) + kPrefetch + part * kBytes;
    const char* page = from + kPagesAhead;
    if constexpr (T > 1) {
      const char* tile_end = end + t * skip;
      if (from >= tile_end) from += skip;
      if (page >= tile_end) page += skip;
    }
    for (std::uint32_t i = 0; i < kBytes; i += 64) _mm_prefetch(from + i, _MM_HINT_T0);
    look_up_page(page);
  }
};

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

/// T tiles, one or two, `stride` blocks apart, times N columns of digits; of each y the digits are
/// added up.
template <typename Format, int N, int T>
void tile_columns(const typename Format::Block* tile, std::uint64_t stride, const Activations& a,
                  float* y, std::uint64_t y_stride) {
  alignas(64) float sums[T][N * 16] = {};
  Column column(a);
  const Stream<Format, T> stream = {reinterpret_cast<const char*>(tile + stride),
                                    (T - 1) * stride * sizeof *tile};
  const std::uint32_t blocks = a.columns / kBlock;
  for (std::uint32_t b = 0; b < blocks; b += Format::kBlocks, ++tile) {
    const std::uint32_t parts = blocks - b < Format::kBlocks ? blocks - b : Format::kBlocks;
    G4_ROLLED for (std::uint32_t part = 0; part < parts; ++part, column.next_block()) {
      for (std::uint64_t t = 0; t < T; ++t) stream.ask(tile + t * stride, part, t);
      if constexpr (T == 1)
        Format::template block<N>(*tile, part, column, sums[0]);
      else
        Format::template blocks<N, 2>({tile, tile + stride}, part, column, {sums[0], sums[1]});
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
