// How the rows of a sketch match a query. Included inside an instruction set's namespace, after
// pages.inl and block_sums(codes, query's codes, offset): for 16 rows, 2 * sum(code * query's code)
// + offset over 256 columns, exact.

/// How far ahead of the block in work its successor is asked for, in bytes.
constexpr std::uint32_t kSketchAhead = 4608;

void match(const std::byte* sketch, std::uint32_t tiles, const SketchQuery& query, float* best) {
  const SketchBlock* block = reinterpret_cast<const SketchBlock*>(sketch);
  for (std::uint32_t t = 0; t < tiles; ++t) {
    Vec score = set1(0.0f);
    for (std::uint32_t b = 0; b < query.blocks; ++b, ++block) {
      const char* ahead = reinterpret_cast<const char*>(block) + kSketchAhead;
      for (std::uint32_t i = 0; i < sizeof *block; i += 64) __builtin_prefetch(ahead + i);
      look_up_page(ahead + kPagesAhead);
      const std::int8_t* codes = query.codes + std::uint64_t{b} * kSketchColumns;
      score = fma(block_sums(block->codes, codes, query.offset[b]), load(block->scale), score);
    }
    best[t] = max_tree(score);
  }
}
