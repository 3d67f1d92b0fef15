// Attention over one chunk of KV rows, for all query vectors of a KV head at once. Included inside
// an instruction set's namespace, after math.inl. Per query vector the arithmetic depends on its
// own visible rows alone (docs/numerics.md, rule 6).

/// Dot products of Q query vectors with K keys: 16 lanes each, then the tree.
template <int Q, int K>
inline void score_block(const float* query, const float* keys, std::uint32_t head_size,
                        float* scores) {
  Vec sum[Q][K];
  for (int q = 0; q < Q; ++q) {
    for (int k = 0; k < K; ++k) sum[q][k] = set1(0.0f);
  }
  for (std::uint32_t i = 0; i < head_size; i += 16) {
    Vec key[K];
    for (int k = 0; k < K; ++k) key[k] = load(keys + std::uint64_t(k) * head_size + i);
    for (int q = 0; q < Q; ++q) {
      const Vec x = load(query + std::uint64_t(q) * head_size + i);
      for (int k = 0; k < K; ++k) sum[q][k] = fma(x, key[k], sum[q][k]);
    }
  }
  for (int q = 0; q < Q; ++q) {
    for (int k = 0; k < K; ++k) scores[q * kChunk + k] = sum_tree(sum[q][k]);
  }
}

template <int Q>
inline void score_rows(const AttentionChunk& chunk, const float* keys, std::uint32_t row,
                       std::uint32_t from, std::uint32_t to) {
  const float* query = chunk.query + std::uint64_t{row} * chunk.head_size;
  float* scores = chunk.scores + std::uint64_t{row} * kChunk;
  std::uint32_t k = from;
  for (; k + 2 <= to; k += 2) {
    score_block<Q, 2>(query, keys + std::uint64_t{k} * chunk.head_size, chunk.head_size,
                      scores + k);
  }
  if (k < to)
    score_block<Q, 1>(query, keys + std::uint64_t{k} * chunk.head_size, chunk.head_size,
                      scores + k);
}

/// Turns a row's scores into exponentials relative to the new maximum, 0 for what is not visible,
/// and rescales the state.
inline void soften_row(const AttentionChunk& chunk, const AttentionState& state,
                       std::uint32_t row) {
  float* scores = chunk.scores + std::uint64_t{row} * kChunk;
  const float minus_infinity = -__builtin_inff();
  for (std::uint32_t k = 0; k < chunk.first[row]; ++k) scores[k] = minus_infinity;
  for (std::uint32_t k = chunk.last[row]; k < kChunk; ++k) scores[k] = minus_infinity;
  Vec highest = load(scores);
  for (std::uint32_t k = 16; k < kChunk; k += 16) highest = max(highest, load(scores + k));
  const float chunk_maximum = max_tree(highest);
  const float old_maximum = state.maximum[row];
  const float maximum = chunk_maximum > old_maximum ? chunk_maximum : old_maximum;
  Vec sum = set1(0.0f);
  for (std::uint32_t k = 0; k < kChunk; k += 16) {
    const Vec p = exp(sub(load(scores + k), set1(maximum)));
    store(scores + k, p);
    sum = add(sum, p);
  }
  float rescale = 1.0f;
  if (maximum != old_maximum) {
    float wide[16];
    store(wide, exp(set1(old_maximum - maximum)));
    rescale = wide[0];
    float* value = state.value + std::uint64_t{row} * chunk.head_size;
    for (std::uint32_t i = 0; i < chunk.head_size; i += 16)
      store(value + i, mul(load(value + i), set1(rescale)));
  }
  state.sum[row] = __builtin_fmaf(state.sum[row], rescale, sum_tree(sum));
  state.maximum[row] = maximum;
}

/// value[q] += p[q][k] * v[k] for k = from ... to-1 in this order.
template <int Q>
inline void value_block(const float* p, const float* values, std::uint32_t head_size,
                        std::uint32_t from, std::uint32_t to, float* out) {
  for (std::uint32_t i = 0; i < head_size; i += 16) {
    Vec sum[Q];
    for (int q = 0; q < Q; ++q) sum[q] = load(out + std::uint64_t(q) * head_size + i);
    for (std::uint32_t k = from; k < to; ++k) {
      const Vec v = load(values + std::uint64_t{k} * head_size + i);
      for (int q = 0; q < Q; ++q) sum[q] = fma(set1(p[q * kChunk + k]), v, sum[q]);
    }
    for (int q = 0; q < Q; ++q) store(out + std::uint64_t(q) * head_size + i, sum[q]);
  }
}

/// Rows that see different parts of the chunk share the part that all see; what only some see is
/// added row by row before and after it.
template <int Q>
inline void value_rows(const AttentionChunk& chunk, const AttentionState& state,
                       const float* values, std::uint32_t row) {
  std::uint32_t first = 0, last = kChunk;
  for (std::uint32_t q = row; q < row + Q; ++q) {
    first = chunk.first[q] > first ? chunk.first[q] : first;
    last = chunk.last[q] < last ? chunk.last[q] : last;
  }
  if (last < first) last = first;
  const float* p = chunk.scores + std::uint64_t{row} * kChunk;
  float* out = state.value + std::uint64_t{row} * chunk.head_size;
  const std::uint32_t size = chunk.head_size;
  for (std::uint32_t q = 0; q < Q; ++q) {
    const std::uint32_t end = chunk.last[row + q] < first ? chunk.last[row + q] : first;
    if (chunk.first[row + q] < end)
      value_block<1>(p + q * kChunk, values, size, chunk.first[row + q], end,
                     out + std::uint64_t{q} * size);
  }
  if (first < last) value_block<Q>(p, values, size, first, last, out);
  for (std::uint32_t q = 0; q < Q; ++q) {
    const std::uint32_t begin = chunk.first[row + q] > last ? chunk.first[row + q] : last;
    if (begin < chunk.last[row + q])
      value_block<1>(p + q * kChunk, values, size, begin, chunk.last[row + q],
                     out + std::uint64_t{q} * size);
  }
}

/// The chunk's rows from ... to-1 as floats: in place, or widened into the scratch.
inline const float* as_floats(const AttentionChunk& chunk, const void* rows, std::uint32_t from,
                              std::uint32_t to) {
  if (chunk.type == KvType::f32) return static_cast<const float*>(rows);
  const std::uint16_t* half = static_cast<const std::uint16_t*>(rows);
  const std::uint64_t end = std::uint64_t{to} * chunk.head_size;
  for (std::uint64_t i = std::uint64_t{from} * chunk.head_size; i < end; i += 16)
    store(chunk.widened + i, load_half(half + i));
  return chunk.widened;
}

void attend(const AttentionChunk& chunk, const AttentionState& state) {
  std::uint32_t from = kChunk, to = 0;
  for (std::uint32_t r = 0; r < chunk.rows; ++r) {
    if (chunk.first[r] == chunk.last[r]) continue;
    from = chunk.first[r] < from ? chunk.first[r] : from;
    to = chunk.last[r] > to ? chunk.last[r] : to;
  }
  if (from >= to) return;
  const float* keys = as_floats(chunk, chunk.keys, from, to);
  std::uint32_t row = 0;
  for (; row + 3 <= chunk.rows; row += 3) score_rows<3>(chunk, keys, row, from, to);
  for (; row < chunk.rows; ++row) score_rows<1>(chunk, keys, row, from, to);
  for (row = 0; row < chunk.rows; ++row) {
    if (chunk.first[row] != chunk.last[row]) soften_row(chunk, state, row);
  }
  const float* values = as_floats(chunk, chunk.values, from, to);
  row = 0;
  for (; row + 4 <= chunk.rows; row += 4) value_rows<4>(chunk, state, values, row);
  for (; row < chunk.rows; ++row) value_rows<1>(chunk, state, values, row);
}

void merge(const AttentionState& state, const AttentionState& later, std::uint32_t rows,
           std::uint32_t head_size) {
  for (std::uint32_t r = 0; r < rows; ++r) {
    if (later.sum[r] == 0.0f) continue;  // the row saw nothing of that segment
    const float maximum = later.maximum[r] > state.maximum[r] ? later.maximum[r] : state.maximum[r];
    float a[16], b[16];
    store(a, exp(set1(state.maximum[r] - maximum)));
    store(b, exp(set1(later.maximum[r] - maximum)));
    state.sum[r] = __builtin_fmaf(state.sum[r], a[0], later.sum[r] * b[0]);
    state.maximum[r] = maximum;
    float* value = state.value + std::uint64_t{r} * head_size;
    const float* other = later.value + std::uint64_t{r} * head_size;
    for (std::uint32_t i = 0; i < head_size; i += 16) {
      store(value + i, fma(load(value + i), set1(a[0]), mul(load(other + i), set1(b[0]))));
    }
  }
}

void finish(const AttentionState& state, std::uint32_t rows, std::uint32_t head_size, float* out) {
  for (std::uint32_t r = 0; r < rows; ++r) {
    const std::uint64_t at = std::uint64_t{r} * head_size;
    for (std::uint32_t i = 0; i < head_size; i += 16)
      store(out + at + i, div(load(state.value + at + i), set1(state.sum[r])));
  }
}
