// Matrices of F32, F16 and BF16 times float activations: 16 lanes per (row, column), then the tree
// (docs/numerics.md, rule 3). Included inside an instruction set's namespace, after its vec.hpp.

inline Vec load_weight(const float* p) { return load(p); }
struct Half {
  std::uint16_t bits;
};
struct Bf16 {
  std::uint16_t bits;
};
inline Vec load_weight(const Half* p) { return load_half(&p->bits); }
inline Vec load_weight(const Bf16* p) { return load_bf16(&p->bits); }

/// Rows that go side by side, as many as the registers hold: equally far from one another, so that
/// each begins where its predecessor ended and the memory sees as many streams.
constexpr std::uint32_t kFloatRows = kParts == 1 ? 4 : 2;
constexpr std::uint32_t kFloatRowStep = kTileRows / kFloatRows;
constexpr std::uint32_t kFloatAhead = 4608;  ///< bytes; measured best for streams from memory

template <int C, typename W>
inline void float_rows(const W* row, std::uint32_t columns, const float* x, float* y,
                       std::uint64_t y_stride) {
  Vec sum[kFloatRows][C];
  for (std::uint32_t r = 0; r < kFloatRows; ++r) {
    for (int c = 0; c < C; ++c) sum[r][c] = set1(0.0f);
  }
  for (std::uint32_t i = 0; i < columns; i += 16) {
    Vec w[kFloatRows];
    for (std::uint32_t r = 0; r < kFloatRows; ++r) {
      const W* at = row + std::uint64_t{r} * kFloatRowStep * columns + i;
      w[r] = load_weight(at);
      if (i * sizeof(W) % 64 == 0) __builtin_prefetch(at + kFloatAhead / sizeof(W));
    }
    for (int c = 0; c < C; ++c) {
      const Vec v = load(x + std::uint64_t(c) * columns + i);
      for (std::uint32_t r = 0; r < kFloatRows; ++r) sum[r][c] = fma(w[r], v, sum[r][c]);
    }
  }
  for (int c = 0; c < C; ++c) {
    for (std::uint32_t r = 0; r < kFloatRows; ++r)
      y[c * y_stride + r * kFloatRowStep] = sum_tree(sum[r][c]);
  }
}

template <typename W>
void float_matmul(const W* matrix, std::uint32_t tiles, const Activations& a, std::uint32_t count,
                  float* y, std::uint64_t y_stride) {
  for (std::uint64_t step = 0; step < std::uint64_t{tiles} * kFloatRowStep; ++step) {
    const std::uint64_t r = step / kFloatRowStep * kTileRows + step % kFloatRowStep;
    for (std::uint32_t c = 0; c < count;) {
      const std::uint32_t left = count - c, n = left == 4 ? 2 : left < 3 ? left : 3;
      const auto rows = n == 3 ? float_rows<3, W> : n == 2 ? float_rows<2, W> : float_rows<1, W>;
      rows(matrix + r * a.columns, a.columns, a.values + std::uint64_t{c} * a.columns,
           y + c * y_stride + r, y_stride);
      c += n;
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
