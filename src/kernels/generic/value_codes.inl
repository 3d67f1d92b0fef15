// P times V where the rows of V are codes: in integers, so that no order of adding matters and
// positions with a weight of zero change nothing (docs/numerics.md, rule 7). Included inside an
// instruction set's namespace, before attention.inl and after its pairs.inl: registers that hold
// two positions of each of kPairs columns.

/// The largest 16-bit weight; positions are weighted by a row's weight times a block's.
constexpr float kLargestWeight = 32767.0f;

/// Where the integers of one chunk are kept.
struct CodeScratch {
  explicit CodeScratch(const AttentionChunk& chunk)
      : values(reinterpret_cast<std::int16_t*>(chunk.widened)),
        rows(values + kBlock * kChunk),
        weights(rows + std::uint64_t{chunk.rows} * kChunk),
        scales(chunk.widened + kBlock * kChunk / 2 + std::uint64_t{chunk.rows} * kChunk) {}
  std::int16_t* values;   ///< [kChunk / 2][kBlock][2]: columns of one block, positions in pairs
  std::int16_t* rows;     ///< [rows][kChunk]: p times a position's largest scale
  std::int16_t* weights;  ///< [rows][kChunk]: these times the scale of one block
  float* scales;          ///< [rows]: what a product of a weight and a code stands for
};

/// The scales of V, per position.
struct PositionScales {
  alignas(64) float largest[kChunk];  ///< of all blocks; NaN where one is damaged
  alignas(64) float inverse[kChunk];  ///< kLargestWeight / largest, or 0
};

/// Blocks of V in the tile that holds position k.
inline const Q8Block* value_tile(const AttentionChunk& chunk, std::uint32_t k) {
  return reinterpret_cast<const Q8Block*>(
      chunk.values + k / kTileRows * tile_bytes(MatrixFormat::q8_0, chunk.width));
}
inline Vec value_scales(const Q8Block* tile, std::uint32_t block) {
  return load_half(tile[block / 2].scale[block % 2]);
}

/// Of the tile that begins at position k.
inline void find_scales(const AttentionChunk& chunk, std::uint32_t k, PositionScales& scales) {
  const Q8Block* tile = value_tile(chunk, k);
  const std::uint32_t first = chunk.value_column / kBlock,
                      end = first + chunk.query.columns / kBlock;
  Vec largest = set1(0.0f), zero = set1(0.0f);  // or NaN
  for (std::uint32_t block = first; block < end; ++block) {
    const Vec d = value_scales(tile, block);
    largest = max(largest, abs(d));
    zero = fma(d, set1(0.0f), zero);
  }
  largest = add(largest, zero);
  const Vec inverse = div(set1(kLargestWeight), largest);
  store(scales.largest + k, largest);
  store(scales.inverse + k, select(less(set1(0.0f), largest), inverse, set1(0.0f)));
}

/// A query vector's weights for positions, as integers; what their unit stands for together with
/// that of block_weights. Rows that are not visible may hold anything.
inline float position_weights(const float* p, const PositionScales& scales, std::uint32_t first,
                              std::uint32_t last, std::int16_t* out) {
  alignas(64) float weights[kChunk];
  for (std::uint32_t k = 0; k < kChunk; k += 16)
    store(weights + k, mul(load(p + k), load(scales.largest + k)));
  for (std::uint32_t k = 0; k < first; ++k) weights[k] = 0.0f;
  for (std::uint32_t k = last; k < kChunk; ++k) weights[k] = 0.0f;
  Vec highest = set1(0.0f), zero = set1(0.0f);
  for (std::uint32_t k = 0; k < kChunk; k += 16) {
    highest = max(highest, load(weights + k));
    zero = fma(load(weights + k), set1(0.0f), zero);
  }
  const float largest = max_tree(highest), damage = sum_tree(zero);  // 0 or NaN
  const bool none = damage != 0.0f || largest < 0x1p-100f;
  const Vec inverse = set1(none ? 0.0f : kLargestWeight / largest);
  for (std::uint32_t k = 0; k < kChunk; k += 16)
    store_rounded(out + k, none ? set1(0.0f) : mul(load(weights + k), inverse));
  return none ? damage : largest * (32768.0f / (kLargestWeight * kLargestWeight));
}

/// The positions' scales of one block as integers, relative to each position's largest.
inline void block_weights(const AttentionChunk& chunk, std::uint32_t block,
                          const PositionScales& scales, std::uint32_t from, std::uint32_t to,
                          std::int16_t* out) {
  for (std::uint32_t k = from; k < to; k += kTileRows) {
    const Vec d = mul(value_scales(value_tile(chunk, k), block), load(scales.inverse + k));
    store_rounded(out + k, select(less(abs(d), set1(32768.0f)), d, set1(0.0f)));
  }
}

/// Positions between two requests for memory.
constexpr std::uint32_t kCodeRun = kTileRows;

/// Adds the products of Q rows of weights with V registers of columns, for the positions from ...
/// to-1: whole tiles.
template <int Q, int V>
inline void code_block(const CodeScratch& codes, std::uint32_t row, std::uint32_t i,
                       std::uint32_t from, std::uint32_t to, float* out, std::uint32_t head_size,
                       Ahead& ahead) {
  const std::int16_t* weights = codes.weights + std::uint64_t{row} * kChunk;
  Sums sum[Q][V];
  for (int q = 0; q < Q; ++q) {
    for (int v = 0; v < V; ++v) sum[q][v] = zero_sums();
  }
  const std::int16_t* values = codes.values + std::uint64_t{from} * kBlock + 2 * i;
  weights += from;
  for (std::uint32_t left = to - from; left > 0; left -= kCodeRun) {
    for (std::uint32_t k = 0; k < kCodeRun; k += 2) {
      Pairs value[V];
      for (int v = 0; v < V; ++v)
        value[v] = load_pairs(values + 2 * kPairs * static_cast<std::uint32_t>(v));
      for (int q = 0; q < Q; ++q) {
        const Pairs weight = broadcast_pair(weights + q * static_cast<int>(kChunk));
        for (int v = 0; v < V; ++v) sum[q][v] = add_pairs(sum[q][v], value[v], weight);
      }
      values += 2 * kBlock;
      weights += 2;
    }
    ahead.ask();
  }
  for (std::uint32_t q = 0; q < Q; ++q) {
    float* place = out + std::uint64_t{row + q} * head_size + i;
    for (std::uint32_t v = 0; v < V; ++v)
      add_scaled(place + kPairs * v, sum[q][v], codes.scales[row + q]);
  }
}

/// One block of columns of the result, of all query vectors.
inline void code_rows(const AttentionChunk& chunk, const CodeScratch& codes, std::uint32_t from,
                      std::uint32_t to, float* out, Ahead& ahead) {
  std::uint32_t row = 0;
  const auto take = [&]<int Q>(Count<Q>) {
    for (; row + Q <= chunk.rows; row += Q) {
      for (std::uint32_t i = 0; i < kBlock; i += kPairs * kCodeVectors)
        code_block<Q, kCodeVectors>(codes, row, i, from, to, out, chunk.query.columns, ahead);
    }
  };
  take(Count<kCodeRows>());
  take(Count<2>());
  take(Count<1>());
}

/// The positions from ... to-1, or more: whole tiles.
[[gnu::noinline]] void value_codes(const AttentionChunk& chunk, std::uint32_t from,
                                   std::uint32_t to, const AttentionState& state, Ahead& ahead) {
  const CodeScratch codes(chunk);
  from = from / kTileRows * kTileRows;
  to = (to + kTileRows - 1) / kTileRows * kTileRows;
  PositionScales scales = {};
  for (std::uint32_t k = from; k < to; k += kTileRows) find_scales(chunk, k, scales);
  for (std::uint32_t row = 0; row < chunk.rows; ++row) {
    const std::uint64_t at = std::uint64_t{row} * kChunk;
    const float scale = position_weights(chunk.scores + at, scales, chunk.first[row],
                                         chunk.last[row], codes.rows + at);
    // -0: what is added then changes nothing, not even the sign of a zero
    codes.scales[row] = chunk.first[row] == chunk.last[row] ? -0.0f : scale;
  }
  const std::uint32_t blocks = chunk.query.columns / kBlock;
  for (std::uint32_t b = 0; b < blocks; ++b) {
    const std::uint32_t block = chunk.value_column / kBlock + b;
    alignas(64) std::int16_t relative[kChunk] = {};
    block_weights(chunk, block, scales, from, to, relative);
    for (std::uint32_t k = from; k < to; k += kTileRows)
      pair_rows(value_tile(chunk, k)[block / 2].codes[block % 2],
                codes.values + std::uint64_t{k} * kBlock);
    for (std::uint32_t row = 0; row < chunk.rows; ++row) {
      const std::uint64_t at = std::uint64_t{row} * kChunk;
      multiply_fractions(codes.rows + at, relative, codes.weights + at);
    }
    code_rows(chunk, codes, from, to, state.value + b * kBlock, ahead);
  }
}
