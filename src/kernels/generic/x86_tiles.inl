// What the quantised matrix products of all x86 instruction sets share: where a column's block
// lies, prefetching. Included inside an instruction set's namespace, before its matmul.inl.

/// How far ahead of the block in work its successor is asked for, in bytes; measured best for
/// streams from memory.
constexpr int kPrefetch = 4608;

template <int Bytes>
inline void prefetch(const void* p) {
  for (int i = 0; i < Bytes; i += 64)
    _mm_prefetch(static_cast<const char*>(p) + kPrefetch + i, _MM_HINT_T0);
}

/// Where one column's block lies.
struct Column {
  const std::int8_t* codes;
  const float* scale;
  const std::int16_t* offset8;
  const std::int16_t* offset32;
};

inline Column column_of(const Activations& a, std::uint32_t c) {
  const Activations at = a.from(c);
  return {at.codes, at.scale, at.offset8, at.offset32};
}
