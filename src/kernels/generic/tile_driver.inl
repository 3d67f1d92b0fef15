// Tiles and groups of up to 16 columns of digits for tile_columns<Format, N, T>. Included inside an
// instruction set's namespace, after its matmul.inl.

/// Blocks of one tile.
template <typename Format>
std::uint64_t tile_blocks(const Activations& a) {
  return (a.columns / kBlock + Format::kBlocks - 1) / Format::kBlocks;
}

/// All pairs of tiles times `columns` columns of digits, where the format takes pairs for so few;
/// returns how many tiles that are.
template <typename Format, int N = Format::kPairedColumns>
std::uint32_t multiply_pairs(const std::byte* matrix, std::uint32_t tiles, const Activations& a,
                             std::uint32_t columns, float* y, std::uint64_t y_stride) {
  if constexpr (N == 0) {
    return 0;
  } else {
    if (columns != N) return multiply_pairs<Format, N - 1>(matrix, tiles, a, columns, y, y_stride);
    const auto* tile = reinterpret_cast<const typename Format::Block*>(matrix);
    const std::uint64_t stride = tile_blocks<Format>(a);
    std::uint32_t t = 0;
    for (; t + 2 <= tiles; t += 2)
      tile_columns<Format, N, 2>(tile + t * stride, stride, a, y + std::uint64_t{t} * kTileRows,
                                 y_stride);
    return t;
  }
}

template <typename Format>
void matmul_tiles(const std::byte* matrix, std::uint32_t tiles, const Activations& a,
                  std::uint32_t count, float* y, std::uint64_t y_stride) {
  using Function = void (*)(const typename Format::Block*, std::uint64_t, const Activations&,
                            float*, std::uint64_t);
  constexpr Function kFunctions[] = {nullptr,
                                     tile_columns<Format, 1, 1>,
                                     tile_columns<Format, 2, 1>,
                                     tile_columns<Format, 3, 1>,
                                     tile_columns<Format, 4, 1>,
                                     tile_columns<Format, 5, 1>,
                                     tile_columns<Format, 6, 1>,
                                     tile_columns<Format, 7, 1>,
                                     tile_columns<Format, 8, 1>,
                                     tile_columns<Format, 16, 1>};
  const std::uint32_t columns = count * a.digits;
  std::uint32_t t = multiply_pairs<Format>(matrix, tiles, a, columns, y, y_stride);
  const std::uint64_t stride = tile_blocks<Format>(a);
  for (; t < tiles; ++t) {
    const auto* tile = reinterpret_cast<const typename Format::Block*>(matrix) + t * stride;
    for (std::uint32_t c = 0; c < columns;) {  // with two digits every n is even
      const std::uint32_t left = columns - c, n = left >= 16 ? 16 : left < 8 ? left : 8;
      kFunctions[n < 16 ? n : 9](tile, stride, a.from_digits(c),
                                 y + c / a.digits * y_stride + std::uint64_t{t} * kTileRows,
                                 y_stride);
      c += n;
    }
  }
}

void matmul(MatrixFormat format, const std::byte* matrix, std::uint32_t tiles, const Activations& a,
            std::uint32_t count, float* y, std::uint64_t y_stride) {
  switch (format) {
    case MatrixFormat::q4_0:
      return matmul_tiles<Q4>(matrix, tiles, a, count, y, y_stride);
    case MatrixFormat::q8_0:
      return matmul_tiles<Q8>(matrix, tiles, a, count, y, y_stride);
    case MatrixFormat::q6_k:
      return matmul_tiles<Q6>(matrix, tiles, a, count, y, y_stride);
    default:
      return matmul_floats(format, matrix, tiles, a, count, y, y_stride);
  }
}
