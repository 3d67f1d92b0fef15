// Attention over one chunk of KV rows, for all query vectors of a KV head at once. Included inside
// an instruction set's namespace, after math.inl, kv_rows.inl and the matrix products. Per query
// vector the arithmetic depends on its own visible rows alone (docs/numerics.md, rule 7).

// Each instruction set says how many query rows and keys, or rows and vectors of V, its registers
// hold: kScoreRows, kValueRows, kValueVectors; kCodeRows, kCodeVectors where V is
// codes. Results do not depend on it.

/// Rows of keys or values as floats, `stride` numbers apart.
struct FloatRows {
  const float* first;
  std::uint64_t stride;
  FloatRows from(std::uint32_t row) const { return {first + row * stride, stride}; }
  Vec at(std::uint32_t row, std::uint32_t i) const { return load(first + row * stride + i); }
  Part part(std::uint32_t row, std::uint32_t i) const {
    return load_part(first + row * stride + i);
  }
};

/// Rows as they are stored in f16, widened as they are read: worth it where each is read once.
struct HalfRows {
  const std::uint16_t* first;
  std::uint64_t stride;
  HalfRows from(std::uint32_t row) const { return {first + row * stride, stride}; }
  Vec at(std::uint32_t row, std::uint32_t i) const { return load_half(first + row * stride + i); }
  Part part(std::uint32_t row, std::uint32_t i) const {
    return load_part_half(first + row * stride + i);
  }
};

/// Keys that are taken together, so that their trees are: see sum_trees.
constexpr std::uint32_t kScoreKeys = 4;

/// Keys that are widened together. Several groups of them share a block of query vectors in the
/// first-level cache, which many of them would otherwise pass through once for every group.
constexpr std::uint32_t kWidenedKeys = 2 * kScoreKeys;

/// Numbers of a query, and positions of a value, between two requests for memory: where registers
/// hold sixteen numbers a core is done with a chunk so soon that it has to ask without a pause;
/// elsewhere longer loops are worth more.
constexpr std::uint32_t kScoreRun = kParts == 1 ? 128 : 512, kValueRun = kParts == 1 ? 4 : 16;

/// Dot products of Q query vectors with K keys: 16 lanes each, then the tree.
template <int Q, int K, typename Rows>
inline void score_block(const float* query, const Rows& keys, std::uint32_t head_size,
                        float* scores, Ahead& ahead) {
  Part sums[Q][K][kParts];
  for (std::uint32_t part = 0; part < kParts; ++part) {
    Part sum[Q][K] = {};
    for (std::uint32_t i = 16 / kParts * part; i < head_size;) {
      const std::uint32_t stop = head_size - i < kScoreRun ? head_size : i + kScoreRun;
      for (; i < stop; i += 16) {
        Part x[Q];
        for (int q = 0; q < Q; ++q) x[q] = load_part(query + std::uint64_t(q) * head_size + i);
        for (std::uint32_t k = 0; k < K; ++k) {
          const Part key = keys.part(k, i);
          for (int q = 0; q < Q; ++q) sum[q][k] = fma(x[q], key, sum[q][k]);
        }
      }
      ahead.ask();
    }
    for (int q = 0; q < Q; ++q) {
      for (int k = 0; k < K; ++k) sums[q][k][part] = sum[q][k];
    }
  }
  for (int q = 0; q < Q; ++q) {
    if constexpr (K == kScoreKeys) {
      const Vec four[] = {join(sums[q][0]), join(sums[q][1]), join(sums[q][2]), join(sums[q][3])};
      sum_trees(four, scores + q * kChunk);
    } else {
      for (int k = 0; k < K; ++k) scores[q * kChunk + k] = sum_tree(join(sums[q][k]));
    }
  }
}

/// All query vectors against the `count` keys from key k on.
template <typename Rows>
inline void score_rows(const AttentionChunk& chunk, std::uint32_t k, std::uint32_t count,
                       const Rows& keys, Ahead& ahead) {
  const std::uint32_t size = chunk.query.columns;
  std::uint32_t row = 0;
  const auto take = [&]<int Q>(Count<Q>) {
    // one row alone leaves the adders idle: rather two of two than three and one
    for (; row + Q <= chunk.rows && (Q % 2 == 0 || row + Q + 1 != chunk.rows); row += Q) {
      const float* query = chunk.query.values + std::uint64_t{row} * size;
      float* scores = chunk.scores + row * kChunk + k;
      std::uint32_t i = 0;
      for (; i + kScoreKeys <= count; i += kScoreKeys)
        score_block<Q, kScoreKeys>(query, keys.from(i), size, scores + i, ahead);
      for (; i < count; ++i) score_block<Q, 1>(query, keys.from(i), size, scores + i, ahead);
    }
  };
  take(Count<kScoreRows>());
  take(Count<2>());
  take(Count<1>());
}

/// Keys from ... to-1 in f32 or f16 against all query vectors; keys that several blocks of query
/// vectors meet are widened once and stay in the first-level cache.
inline void score_floats(const AttentionChunk& chunk, std::uint32_t from, std::uint32_t to,
                         Ahead& ahead) {
  const std::uint64_t width = chunk.width;
  const std::uint32_t size = chunk.query.columns;
  for (std::uint32_t k = from; k < to; k += kWidenedKeys) {
    const std::uint32_t count = to - k < kWidenedKeys ? to - k : kWidenedKeys;
    if (chunk.type == KvType::f32) {
      const FloatRows keys = {reinterpret_cast<const float*>(chunk.keys) + k * width, width};
      score_rows(chunk, k, count, keys, ahead);
      continue;
    }
    const std::uint16_t* keys = reinterpret_cast<const std::uint16_t*>(chunk.keys) + k * width;
    if (chunk.rows <= kScoreRows) {
      score_rows(chunk, k, count, HalfRows{keys, width}, ahead);
      continue;
    }
    for (std::uint32_t i = 0; i < count; ++i)
      widen(keys + i * width, size, chunk.widened + std::uint64_t{i} * size);
    score_rows(chunk, k, count, FloatRows{chunk.widened, size}, ahead);
  }
}

/// Keys in q8_0 are rows of a matrix: those of the tiles that hold from ... to-1. What stands in
/// rows that are not there yet makes scores that nobody looks at.
inline void score_codes(const AttentionChunk& chunk, std::uint32_t from, std::uint32_t to,
                        Ahead& ahead) {
  const std::uint64_t bytes = tile_bytes(MatrixFormat::q8_0, chunk.width);
  // tiles of the key alone lie as the matrix kernels want them
  const std::uint32_t end = (to + kTileRows - 1) / kTileRows,
                      step = chunk.width == chunk.query.columns ? 2 : 1;
  for (std::uint32_t t = from / kTileRows; t < end; t += step) {
    matmul(MatrixFormat::q8_0, chunk.keys + t * bytes, end - t < step ? end - t : step, chunk.query,
           chunk.rows, chunk.scores + t * kTileRows, kChunk);
    ahead.ask();
  }
}

/// A row's scores of positions k ... k + 15, those that it does not see at minus infinity.
inline Vec visible_scores(const AttentionChunk& chunk, std::uint32_t row, std::uint32_t k) {
  alignas(64) static constexpr float kLanes[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                   8, 9, 10, 11, 12, 13, 14, 15};
  Vec scores = load(chunk.scores + std::uint64_t{row} * kChunk + k);
  const Vec never = set1(-__builtin_inff());
  if (k < chunk.first[row])
    scores =
        select(less(load(kLanes), set1(static_cast<float>(chunk.first[row] - k))), never, scores);
  if (chunk.last[row] < k + 16)
    scores =
        select(less(load(kLanes), set1(static_cast<float>(chunk.last[row] - k))), scores, never);
  return scores;
}

/// Rows whose exponentials of the change of the maximum are taken together.
constexpr std::uint32_t kSoftRows = 16;

/// Turns the scores of `count` rows into exponentials relative to the new maximum, 0 for what is
/// not visible, and rescales the state. Sixteen positions that a row does not see at all are left
/// out: they would add zeros, and nobody reads them.
inline void soften_rows(const AttentionChunk& chunk, const AttentionState& state, std::uint32_t row,
                        std::uint32_t count) {
  alignas(64) float rescale[kSoftRows] = {};
  for (std::uint32_t r = 0; r < count; ++r) {
    const std::uint32_t first = chunk.first[row + r], last = chunk.last[row + r];
    if (first == last) continue;
    float* scores = chunk.scores + std::uint64_t{row + r} * kChunk;
    Vec highest = set1(-__builtin_inff());
    for (std::uint32_t k = first / 16 * 16; k < last; k += 16) {
      const Vec some = visible_scores(chunk, row + r, k);
      store(scores + k, some);
      highest = max(highest, some);
    }
    const float chunk_maximum = max_tree(highest), old_maximum = state.maximum[row + r];
    const float maximum = chunk_maximum > old_maximum ? chunk_maximum : old_maximum;
    rescale[r] = old_maximum - maximum;
    state.maximum[row + r] = maximum;
  }
  store(rescale, exp(load(rescale)));  // 1 where the maximum stays
  for (std::uint32_t r = 0; r < count; ++r) {
    const std::uint32_t first = chunk.first[row + r], last = chunk.last[row + r];
    if (first == last) continue;
    float* scores = chunk.scores + std::uint64_t{row + r} * kChunk;
    const Vec maximum = set1(state.maximum[row + r]);
    Vec sum = set1(0.0f);
    for (std::uint32_t k = first / 16 * 16; k < last; k += 16) {
      const Vec p = exp(sub(load(scores + k), maximum));
      store(scores + k, p);
      sum = add(sum, p);
    }
    state.sum[row + r] = __builtin_fmaf(state.sum[row + r], rescale[r], sum_tree(sum));
    if (rescale[r] == 1.0f) continue;
    const std::uint32_t size = chunk.query.columns;
    float* value = state.value + std::uint64_t{row + r} * size;
    for (std::uint32_t i = 0; i < size; i += 16)
      store(value + i, mul(load(value + i), set1(rescale[r])));
  }
}

/// Columns of V that are widened together: with 64 rows they fill half of a first-level cache.
constexpr std::uint32_t kValueColumns = 64;

/// out[q] += p[q][k] * v[k] for k = from ... to-1 in this order, V vectors of 16 columns from
/// column i of `values` on.
template <int Q, int V, typename Rows>
inline void value_block(const float* p, const Rows& values, std::uint32_t i, std::uint32_t from,
                        std::uint32_t to, float* out, std::uint32_t head_size, Ahead& ahead) {
  Vec sum[Q][V];
  for (int q = 0; q < Q; ++q) {
    for (int v = 0; v < V; ++v) sum[q][v] = load(out + std::uint64_t(q) * head_size + 16 * v);
  }
  for (std::uint32_t k = from; k < to;) {
    const std::uint32_t stop = to - k < kValueRun ? to : k + kValueRun;
    for (; k < stop; ++k) {
      Vec value[V];
      for (std::uint32_t v = 0; v < V; ++v) value[v] = values.at(k, i + 16 * v);
      for (int q = 0; q < Q; ++q) {
        const Vec weight = set1(p[q * kChunk + k]);
        for (int v = 0; v < V; ++v) sum[q][v] = fma(weight, value[v], sum[q][v]);
      }
    }
    ahead.ask();
  }
  for (int q = 0; q < Q; ++q) {
    for (int v = 0; v < V; ++v) store(out + std::uint64_t(q) * head_size + 16 * v, sum[q][v]);
  }
}

template <int Q, typename Rows>
inline void value_columns(const float* p, const Rows& values, std::uint32_t columns,
                          std::uint32_t from, std::uint32_t to, float* out, std::uint32_t head_size,
                          Ahead& ahead) {
  constexpr std::uint32_t kWide = Q <= 2 ? 2 : kValueVectors;
  std::uint32_t i = 0;
  for (; i + 16 * kWide <= columns; i += 16 * kWide)
    value_block<Q, kWide>(p, values, i, from, to, out + i, head_size, ahead);
  if constexpr (kWide > 2) {  // what is left of it, and small heads
    for (; i + 32 <= columns; i += 32)
      value_block<Q, 2>(p, values, i, from, to, out + i, head_size, ahead);
  }
  for (; i < columns; i += 16) value_block<Q, 1>(p, values, i, from, to, out + i, head_size, ahead);
}

/// Rows that see different parts of the chunk share the part that all see; what only some see is
/// added row by row before and after it, so that every row adds exactly its visible rows, in
/// ascending order.
template <int Q, typename Rows>
inline void value_group(const AttentionChunk& chunk, const Rows& values, std::uint32_t columns,
                        std::uint32_t row, float* out, Ahead& ahead) {
  std::uint32_t first = 0, last = kChunk;
  for (std::uint32_t q = row; q < row + Q; ++q) {
    first = chunk.first[q] > first ? chunk.first[q] : first;
    last = chunk.last[q] < last ? chunk.last[q] : last;
  }
  if (last < first) last = first;
  const float* p = chunk.scores + std::uint64_t{row} * kChunk;
  const std::uint32_t size = chunk.query.columns;
  for (std::uint32_t q = 0; q < Q; ++q) {
    const std::uint32_t end = chunk.last[row + q] < first ? chunk.last[row + q] : first;
    if (chunk.first[row + q] < end)
      value_columns<1>(p + q * kChunk, values, columns, chunk.first[row + q], end,
                       out + std::uint64_t{q} * size, size, ahead);
  }
  if (first < last) value_columns<Q>(p, values, columns, first, last, out, size, ahead);
  for (std::uint32_t q = 0; q < Q; ++q) {
    const std::uint32_t begin = chunk.first[row + q] > last ? chunk.first[row + q] : last;
    if (begin < chunk.last[row + q])
      value_columns<1>(p + q * kChunk, values, columns, begin, chunk.last[row + q],
                       out + std::uint64_t{q} * size, size, ahead);
  }
}

/// Columns i ... i + columns - 1 of the result, of all query vectors; `values` begins there.
template <typename Rows>
inline void value_rows(const AttentionChunk& chunk, const Rows& values, std::uint32_t i,
                       std::uint32_t columns, const AttentionState& state, Ahead& ahead) {
  std::uint32_t row = 0;
  const auto take = [&]<int Q>(Count<Q>) {
    for (; row + Q <= chunk.rows; row += Q) {
      value_group<Q>(chunk, values, columns, row,
                     state.value + i + std::uint64_t{row} * chunk.query.columns, ahead);
    }
  };
  take(Count<kValueRows>());
  take(Count<4>());
  take(Count<2>());
  take(Count<1>());
}

/// The same from the stored rows; those that several groups of query vectors meet are widened once
/// into the first-level cache.
inline void value_pass(const AttentionChunk& chunk, std::uint32_t i, std::uint32_t columns,
                       std::uint32_t from, std::uint32_t to, const AttentionState& state,
                       Ahead& ahead) {
  const std::uint64_t width = chunk.width, at = std::uint64_t{chunk.value_column} + i;
  if (chunk.type == KvType::f32) {
    const FloatRows rows = {reinterpret_cast<const float*>(chunk.values) + at, width};
    return value_rows(chunk, rows, i, columns, state, ahead);
  }
  const std::uint16_t* values = reinterpret_cast<const std::uint16_t*>(chunk.values) + at;
  if (chunk.rows <= 2) return value_rows(chunk, HalfRows{values, width}, i, columns, state, ahead);
  for (std::uint32_t k = from; k < to; ++k)
    widen(values + k * width, columns, chunk.widened + k * kValueColumns);
  value_rows(chunk, FloatRows{chunk.widened, kValueColumns}, i, columns, state, ahead);
}

/// Requests that the scores of `count` keys make, and that the values of a chunk do.
inline std::uint64_t score_requests(const AttentionChunk& chunk, std::uint32_t count) {
  if (chunk.type == KvType::q8_0) return count / kTileRows + 1;
  const std::uint32_t runs = kParts * ((chunk.query.columns + kScoreRun - 1) / kScoreRun);
  return (count / kScoreKeys + 1) * runs * blocks_of(chunk.rows, kScoreRows);
}
inline std::uint64_t value_requests(const AttentionChunk& chunk) {
  const std::uint32_t size = chunk.query.columns;
  if (chunk.type == KvType::q8_0)
    return size / (kPairs * kCodeVectors) * (kChunk / kCodeRun) * blocks_of(chunk.rows, kCodeRows);
  const std::uint32_t vectors = (size / 16 + kValueVectors - 1) / kValueVectors;
  return vectors * (kChunk / kValueRun) * blocks_of(chunk.rows, kValueRows);
}

/// Scores of the keys from ... to-1.
inline void score(const AttentionChunk& chunk, std::uint32_t from, std::uint32_t to, Ahead& ahead) {
  if (chunk.type == KvType::q8_0)
    score_codes(chunk, from, to, ahead);
  else
    score_floats(chunk, from, to, ahead);
}

/// Values of the keys from ... to-1.
inline void value(const AttentionChunk& chunk, std::uint32_t from, std::uint32_t to,
                  const AttentionState& state, Ahead& ahead) {
  if (chunk.type == KvType::q8_0) return value_codes(chunk, from, to, state, ahead);
  const std::uint32_t size = chunk.query.columns;
  for (std::uint32_t i = 0; i < size; i += kValueColumns) {
    const std::uint32_t columns = size - i < kValueColumns ? size - i : kValueColumns;
    value_pass(chunk, i, columns, from, to, state, ahead);
  }
}

/// Scores ask for the V rows of the same positions, V for the keys of the next chunk; where both
/// are one row, the whole time is there for the rows of the next chunk.
void attend(const AttentionChunk& chunk, const AttentionState& state) {
  std::uint32_t from = kChunk, to = 0;
  for (std::uint32_t r = 0; r < chunk.rows; ++r) {
    if (chunk.first[r] == chunk.last[r]) continue;
    from = chunk.first[r] < from ? chunk.first[r] : from;
    to = chunk.last[r] > to ? chunk.last[r] : to;
  }
  if (from >= to) return;
  const bool shared = chunk.values == chunk.keys;
  const std::uint64_t bytes = chunk_bytes(chunk.type, chunk.width), row_bytes = bytes / kChunk;
  const std::uint64_t score_times = score_requests(chunk, to - from),
                      value_times = value_requests(chunk);
  Ahead next(chunk.next_keys, bytes, shared ? score_times + value_times : value_times);
  Ahead values(chunk.values + from * row_bytes, (to - from) * row_bytes, score_times);
  score(chunk, from, to, shared ? next : values);
  for (std::uint32_t row = 0; row < chunk.rows; row += kSoftRows)
    soften_rows(chunk, state, row, chunk.rows - row < kSoftRows ? chunk.rows - row : kSoftRows);
  value(chunk, from, to, state, next);
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
