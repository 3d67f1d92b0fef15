// What the quantised matrix products of all x86 instruction sets share: where a column's block
// lies, prefetching, and words to the compiler. Included inside an instruction set's namespace,
// before its matmul.inl.

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

/// Where one column's block lies: a place in the activations.
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
