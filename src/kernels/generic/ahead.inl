// What the loops of attention share. Included inside an instruction set's namespace.

/// A number of rows as a type.
template <int N>
struct Count {};

/// Memory that is read soon, asked for a little at a time between the products: the hardware does
/// not foresee the next rows while it is kept busy, and a core can wait for some dozen lines only;
/// what it asks for beyond that stops it.
/// Any address will do.
class Ahead {
 public:
  /// The lines of `bytes` bytes, in about `times` equal parts.
  Ahead(const void* from, std::uint64_t bytes, std::uint64_t times)
      : next_(static_cast<const char*>(from)),
        end_(next_ + (from != nullptr ? bytes : 0)),
        step_((bytes / 64 + times - 1) / times * 64) {}

  void ask() {
    const char* stop = next_ + step_ < end_ ? next_ + step_ : end_;
    for (; next_ < stop; next_ += 64) {
      if (reinterpret_cast<std::uintptr_t>(next_) % kPage == 0) look_up_page(next_ + kPagesAhead);
      __builtin_prefetch(next_, 0, 2);
    }
  }

 private:
  const char *next_, *end_;
  std::uint64_t step_;
};

/// Blocks that `rows` query vectors make, of at most `most`.
inline std::uint64_t blocks_of(std::uint32_t rows, std::uint32_t most) {
  return rows / most + (rows % most + 1) / 2;
}
