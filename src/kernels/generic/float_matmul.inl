// Matrices of F32, F16 and BF16 times float activations: 16 lanes per (row, column), then the tree
// (docs/numerics.md, rule 4). Included inside an instruction set's namespace, after its vec.hpp.
//
// A tile's 16 rows go through together, a run of columns at a time, and their sums wait in memory
// meanwhile. So the run of activations stays in the first-level cache for all rows, the weights are
// there for every group of activation columns, and the memory is asked for rows one after another,
// which it serves faster than the same rows in any other order.

inline Part load_weights(const float* p) { return load_part(p); }
struct Half {
  std::uint16_t bits;
};
struct Bf16 {
  std::uint16_t bits;
};
inline Part load_weights(const Half* p) { return load_part_half(&p->bits); }
inline Part load_weights(const Bf16* p) { return load_part_bf16(&p->bits); }

constexpr std::uint32_t kRun = 192;                 ///< columns; measured best of 64 ... 256
constexpr int kFloatRows = 4;                       ///< whose sums are in registers together
constexpr int kFloatColumns = kParts == 2 ? 3 : 6;  ///< likewise; AVX2 has half the registers
constexpr std::uint32_t kFloatGroup = 8;            ///< columns whose sums wait together
constexpr std::uint32_t kPartLanes = 16 / kParts;

/// Where the sums of a tile wait: [column][row][lane].
constexpr std::uint32_t kRowLanes = 16, kColumnLanes = kTileRows * kRowLanes;

/// What a run of a tile is multiplied with, and where its next run lies.
template <typename W>
struct Run {
  const W* tile;  ///< the run's part of the first row
  const W* ahead;
  std::uint32_t row;      ///< from one row to the next, and from one column to the next
  std::uint32_t columns;  ///< of the run: a multiple of 16
};

/// Adds the products of kFloatRows rows and C columns to their sums. Of one column all lanes go
/// together, of several one part after another: as many sums as the registers hold, and enough
/// that none has to wait for its predecessor.
template <int C, typename W>
inline void add_rows(const Run<W>& run, std::uint32_t first_row, bool prefetch, const float* x,
                     float* sums) {
  constexpr int kTogether = C == 1 ? kParts : 1;
  const W* rows = run.tile + std::uint64_t{first_row} * run.row;
  const W* ahead = run.ahead + std::uint64_t{first_row} * run.row;
  sums += first_row * kRowLanes;
  const auto place = [&](int part, int r, int c) {
    return sums + c * kColumnLanes + r * kRowLanes + part * kPartLanes;
  };
  for (int part = 0; part < kParts; part += kTogether) {
    Part sum[kTogether][kFloatRows][C];
    for (int p = 0; p < kTogether; ++p) {
      for (int r = 0; r < kFloatRows; ++r) {
        for (int c = 0; c < C; ++c) sum[p][r][c] = load_part(place(part + p, r, c));
      }
    }
    for (std::uint32_t i = 0; i < run.columns; i += 16) {
      if (prefetch && part == 0 && i * sizeof(W) % 64 == 0) {
        for (int r = 0; r < kFloatRows; ++r)
          __builtin_prefetch(ahead + std::uint64_t(r) * run.row + i);
      }
      for (int p = 0; p < kTogether; ++p) {
        const std::uint32_t at = i + static_cast<std::uint32_t>(part + p) * kPartLanes;
        Part v[C];
        for (int c = 0; c < C; ++c) v[c] = load_part(x + std::uint64_t(c) * run.row + at);
        for (int r = 0; r < kFloatRows; ++r) {
          const Part w = load_weights(rows + std::uint64_t(r) * run.row + at);
          for (int c = 0; c < C; ++c) sum[p][r][c] = fma(w, v[c], sum[p][r][c]);
        }
      }
    }
    for (int p = 0; p < kTogether; ++p) {
      for (int r = 0; r < kFloatRows; ++r) {
        for (int c = 0; c < C; ++c) store(place(part + p, r, c), sum[p][r][c]);
      }
    }
  }
}

/// Adds the products of all rows and C columns.
template <int C, typename W>
void add_run(const Run<W>& run, bool prefetch, const float* x, float* sums) {
  for (std::uint32_t row = 0; row < kTileRows; row += kFloatRows)
    add_rows<C>(run, row, prefetch, x, sums);
}

/// Adds the products of all rows and `count` columns.
template <typename W, int C = kFloatColumns>
inline void add_run(const Run<W>& run, std::uint32_t count, bool prefetch, const float* x,
                    float* sums) {
  if constexpr (C == 1)
    return add_run<1>(run, prefetch, x, sums);
  else if (count == C)
    add_run<C>(run, prefetch, x, sums);
  else
    add_run<W, C - 1>(run, count, prefetch, x, sums);
}

/// One tile times up to kFloatGroup columns.
template <typename W>
void float_tile(const W* tile, std::uint32_t columns, const float* x, std::uint32_t count, float* y,
                std::uint64_t y_stride) {
  alignas(64) float sums[kFloatGroup * kColumnLanes];
  for (std::uint32_t i = 0; i < count * kColumnLanes; ++i) sums[i] = 0.0f;
  for (std::uint32_t i = 0; i < columns; i += kRun) {
    const bool last = columns - i <= kRun;
    const Run<W> run = {tile + i,
                        last ? tile + std::uint64_t{kTileRows} * columns : tile + i + kRun, columns,
                        last ? columns - i : kRun};
    for (std::uint32_t c = 0; c < count;) {
      const std::uint32_t left = count - c, groups = (left + kFloatColumns - 1) / kFloatColumns,
                          n = (left + groups - 1) / groups;
      add_run<W>(run, n, c == 0, x + std::uint64_t{c} * columns + i, sums + c * kColumnLanes);
      c += n;
    }
  }
  for (std::uint32_t c = 0; c < count; ++c) {
    for (std::uint32_t r = 0; r < kTileRows; ++r)
      y[c * y_stride + r] = sum_tree(load(sums + c * kColumnLanes + r * kRowLanes));
  }
}

template <typename W>
void float_matmul(const W* matrix, std::uint32_t tiles, const Activations& a, std::uint32_t count,
                  float* y, std::uint64_t y_stride) {
  for (std::uint32_t t = 0; t < tiles; ++t) {
    const W* tile = matrix + std::uint64_t{t} * kTileRows * a.columns;
    for (std::uint32_t c = 0; c < count; c += kFloatGroup) {
      const std::uint32_t n = count - c < kFloatGroup ? count - c : kFloatGroup;
      float_tile(tile, a.columns, a.values + std::uint64_t{c} * a.columns, n,
                 y + c * y_stride + std::uint64_t{t} * kTileRows, y_stride);
    }
  }
}

inline void matmul_floats(MatrixFormat format, const std::byte* matrix, std::uint32_t tiles,
                          const Activations& a, std::uint32_t count, float* y,
                          std::uint64_t y_stride) {
  if (format == MatrixFormat::f32) {
    float_matmul(reinterpret_cast<const float*>(matrix), tiles, a, count, y, y_stride);
  } else if (format == MatrixFormat::f16) {
    float_matmul(reinterpret_cast<const Half*>(matrix), tiles, a, count, y, y_stride);
  } else {
    float_matmul(reinterpret_cast<const Bf16*>(matrix), tiles, a, count, y, y_stride);
  }
}
