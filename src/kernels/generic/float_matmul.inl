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

template <int C, typename W>
inline void float_rows(const W* row, std::uint32_t columns, const float* x, float* y,
                       std::uint64_t y_stride) {
  Vec sum[2][C];
  for (int c = 0; c < C; ++c) sum[0][c] = sum[1][c] = set1(0.0f);
  for (std::uint32_t i = 0; i < columns; i += 16) {
    const Vec w0 = load_weight(row + i), w1 = load_weight(row + columns + i);
    for (int c = 0; c < C; ++c) {
      const Vec v = load(x + std::uint64_t(c) * columns + i);
      sum[0][c] = fma(w0, v, sum[0][c]);
      sum[1][c] = fma(w1, v, sum[1][c]);
    }
  }
  for (int c = 0; c < C; ++c) {
    y[c * y_stride] = sum_tree(sum[0][c]);
    y[c * y_stride + 1] = sum_tree(sum[1][c]);
  }
}

template <typename W>
void float_matmul(const W* matrix, std::uint32_t tiles, const Activations& a, std::uint32_t count,
                  float* y, std::uint64_t y_stride) {
  for (std::uint64_t r = 0; r < std::uint64_t{tiles} * kTileRows; r += 2) {
    const W* row = matrix + r * a.columns;
    std::uint32_t c = 0;
    for (; c + 3 <= count; c += 3)
      float_rows<3>(row, a.columns, a.values + std::uint64_t{c} * a.columns, y + c * y_stride + r,
                    y_stride);
    for (; c < count; ++c)
      float_rows<1>(row, a.columns, a.values + std::uint64_t{c} * a.columns, y + c * y_stride + r,
                    y_stride);
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
