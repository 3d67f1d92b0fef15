// Attention over one chunk of KV rows, for all query vectors of a KV head at once. Included inside
// an instruction set's namespace, after math.inl. Per query vector the arithmetic depends on its
// own visible rows alone (docs/numerics.md, rule 6).

// Each instruction set says how many query rows and keys, or rows and vectors of V, its registers
// hold: kScoreRows, kScoreKeys, kValueRows, kValueVectors. Results do not depend on it.

/// A number of rows as a type.
template <int N>
struct Count {};

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

/// `count` numbers of a KV row from element `at` on, as floats.
inline void widen(KvType type, const void* rows, std::uint64_t at, std::uint32_t count,
                  float* out) {
  for (std::uint32_t i = 0; i < count; i += 16) {
    store(out + i, type == KvType::f32
                       ? load(static_cast<const float*>(rows) + at + i)
                       : load_half(static_cast<const std::uint16_t*>(rows) + at + i));
  }
}

/// All query vectors against K keys, which are widened once and stay in the first-level cache.
template <int K>
inline void score_keys(const AttentionChunk& chunk, std::uint32_t k) {
  const std::uint32_t size = chunk.head_size;
  const float* keys = static_cast<const float*>(chunk.keys) + std::uint64_t{k} * size;
  if (chunk.type != KvType::f32) {
    widen(chunk.type, chunk.keys, std::uint64_t{k} * size, K * size, chunk.widened);
    keys = chunk.widened;
  }
  std::uint32_t row = 0;
  const auto take = [&]<int Q>(Count<Q>) {
    for (; row + Q <= chunk.rows; row += Q) {
      score_block<Q, K>(chunk.query + std::uint64_t{row} * size, keys, size,
                        chunk.scores + row * kChunk + k);
    }
  };
  take(Count<kScoreRows>());
  take(Count<2>());
  take(Count<1>());
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

/// Columns of V that are widened together: with 64 rows they fill half of a first-level cache.
constexpr std::uint32_t kValueColumns = 64;

/// out[q] += p[q][k] * v[k] for k = from ... to-1 in this order, V vectors of 16 columns at a time.
/// `values` is [kChunk][kValueColumns].
template <int Q, int V>
inline void value_block(const float* p, const float* values, std::uint32_t from, std::uint32_t to,
                        float* out, std::uint32_t head_size) {
  Vec sum[Q][V];
  for (int q = 0; q < Q; ++q) {
    for (int v = 0; v < V; ++v) sum[q][v] = load(out + std::uint64_t(q) * head_size + 16 * v);
  }
  for (std::uint32_t k = from; k < to; ++k) {
    Vec value[V];
    for (int v = 0; v < V; ++v) value[v] = load(values + k * kValueColumns + 16 * v);
    for (int q = 0; q < Q; ++q) {
      const Vec weight = set1(p[q * kChunk + k]);
      for (int v = 0; v < V; ++v) sum[q][v] = fma(weight, value[v], sum[q][v]);
    }
  }
  for (int q = 0; q < Q; ++q) {
    for (int v = 0; v < V; ++v) store(out + std::uint64_t(q) * head_size + 16 * v, sum[q][v]);
  }
}

template <int Q>
inline void value_columns(const float* p, const float* values, std::uint32_t columns,
                          std::uint32_t from, std::uint32_t to, float* out,
                          std::uint32_t head_size) {
  constexpr std::uint32_t kWide = Q <= 2 ? 2 : kValueVectors;
  std::uint32_t i = 0;
  for (; i + 16 * kWide <= columns; i += 16 * kWide) {
    value_block<Q, kWide>(p, values + i, from, to, out + i, head_size);
  }
  for (; i < columns; i += 16) value_block<Q, 1>(p, values + i, from, to, out + i, head_size);
}

/// Rows that see different parts of the chunk share the part that all see; what only some see is
/// added row by row before and after it, so that every row adds exactly its visible rows, in
/// ascending order.
template <int Q>
inline void value_rows(const AttentionChunk& chunk, const float* values, std::uint32_t columns,
                       std::uint32_t row, float* out) {
  std::uint32_t first = 0, last = kChunk;
  for (std::uint32_t q = row; q < row + Q; ++q) {
    first = chunk.first[q] > first ? chunk.first[q] : first;
    last = chunk.last[q] < last ? chunk.last[q] : last;
  }
  if (last < first) last = first;
  const float* p = chunk.scores + std::uint64_t{row} * kChunk;
  const std::uint32_t size = chunk.head_size;
  for (std::uint32_t q = 0; q < Q; ++q) {
    const std::uint32_t end = chunk.last[row + q] < first ? chunk.last[row + q] : first;
    if (chunk.first[row + q] < end)
      value_columns<1>(p + q * kChunk, values, columns, chunk.first[row + q], end,
                       out + std::uint64_t{q} * size, size);
  }
  if (first < last) value_columns<Q>(p, values, columns, first, last, out, size);
  for (std::uint32_t q = 0; q < Q; ++q) {
    const std::uint32_t begin = chunk.first[row + q] > last ? chunk.first[row + q] : last;
    if (begin < chunk.last[row + q])
      value_columns<1>(p + q * kChunk, values, columns, begin, chunk.last[row + q],
                       out + std::uint64_t{q} * size, size);
  }
}

/// Asks for memory that is read soon; any address will do.
inline void ask_for(const void* from, std::uint64_t bytes) {
  const char* p = static_cast<const char*>(from);
  for (std::uint64_t i = 0; i < bytes; i += 64) __builtin_prefetch(p + i, 0, 2);
}

/// Scores ask for the V rows of the same positions, V for the keys of the next chunk, which mostly
/// follow in memory: the hardware does not foresee V's columns, nor anything while it is kept busy.
void attend(const AttentionChunk& chunk, const AttentionState& state) {
  std::uint32_t from = kChunk, to = 0;
  for (std::uint32_t r = 0; r < chunk.rows; ++r) {
    if (chunk.first[r] == chunk.last[r]) continue;
    from = chunk.first[r] < from ? chunk.first[r] : from;
    to = chunk.last[r] > to ? chunk.last[r] : to;
  }
  if (from >= to) return;
  const std::uint64_t row_bytes =
      std::uint64_t{chunk.head_size} * (chunk.type == KvType::f32 ? 4 : 2);
  const char* values = static_cast<const char*>(chunk.values);
  std::uint32_t k = from;
  for (; k + kScoreKeys <= to; k += kScoreKeys) {
    ask_for(values + k * row_bytes, kScoreKeys * row_bytes);
    score_keys<kScoreKeys>(chunk, k);
  }
  for (; k < to; ++k) {
    ask_for(values + k * row_bytes, row_bytes);
    score_keys<1>(chunk, k);
  }
  for (std::uint32_t row = 0; row < chunk.rows; ++row) {
    if (chunk.first[row] != chunk.last[row]) soften_row(chunk, state, row);
  }
  for (std::uint32_t i = 0; i < chunk.head_size; i += kValueColumns) {
    const std::uint32_t columns =
        chunk.head_size - i < kValueColumns ? chunk.head_size - i : kValueColumns;
    const std::uint64_t share = kChunk * row_bytes * columns / chunk.head_size;
    ask_for(static_cast<const char*>(chunk.keys) + kChunk * row_bytes +
                kChunk * row_bytes * i / chunk.head_size,
            share);
    for (k = from; k < to; ++k) {
      widen(chunk.type, chunk.values, std::uint64_t{k} * chunk.head_size + i, columns,
            chunk.widened + k * kValueColumns);
    }
    std::uint32_t row = 0;
    const auto take = [&]<int Q>(Count<Q>) {
      for (; row + Q <= chunk.rows; row += Q) {
        value_rows<Q>(chunk, chunk.widened, columns, row,
                      state.value + i + std::uint64_t{row} * chunk.head_size);
      }
    };
    take(Count<kValueRows>());
    take(Count<2>());
    take(Count<1>());
  }
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
