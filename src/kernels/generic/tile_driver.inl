// Tiles and groups of up to 16 columns of digits for tile_columns<Format, N, T>. Included inside an
// instruction set's namespace, after its matmul.inl.

/// Blocks of one tile.
template <typename Format>
std::uint64_t tile_blocks(const Activations& a) {
  return (a.columns / kBlock + Format::kBlocks - 1) / Format::kBlocks;
}

/// Columns for which a format that can, having blocks<N, T>, takes two tiles side by side. With
/// fewer the memory is the limit and serves one stream better; with more there are enough of them
/// for each weight.
constexpr std::uint32_t kPairsFrom = 3, kPairsTo = 8;
template <typename Format>
constexpr bool kTakesPairs = requires {
  &Format::template blocks<kPairsFrom, 2>;
};

/// T tiles times all columns of digits, in groups of up to 16.
template <typename Format, int T>
void multiply_tiles(const typename Format::Block* tile, std::uint64_t stride, const Activations& a,
                    std::uint32_t columns, float* y, std::uint64_t y_stride) {
  constexpr decltype(&tile_columns<Format, 1, 1>) kFunctions[] = {nullptr,
                                                                  tile_columns<Format, 1, 1>,
                                                                  tile_columns<Format, 2, 1>,
                                                                  tile_columns<Format, 3, T>,
                                                                  tile_columns<Format, 4, T>,
                                                                  tile_columns<Format, 5, T>,
                                                                  tile_columns<Format, 6, T>,
                                                                  tile_columns<Format, 7, T>,
                                                                  tile_columns<Format, 8, T>,
                                                                  tile_columns<Format, 16, 1>};
  for (std::uint32_t c = 0; c < columns;) {  // with two digits every n is even
    const std::uint32_t left = columns - c, n = left >= 16 ? 16 : left < 8 ? left : 8;
    kFunctions[n < 16 ? n : 9](tile, stride, a.from_digits(c), y + c / a.digits * y_stride,
                               y_stride);
    c += n;
  }
}

template <typename Format>
void matmul_tiles(const std::byte* matrix, std::uint32_t tiles, const Activations& a,
                  std::uint32_t count, float* y, std::uint64_t y_stride) {
  const auto* tile = reinterpret_cast<const typename Format::Block*>(matrix);
  const std::uint64_t blocks = tile_blocks<Format>(a);
  const std::uint32_t columns = count * a.digits;
  if constexpr (kTakesPairs<Format>) {
    if (columns >= kPairsFrom && columns <= kPairsTo) {
      for (; tiles >= 2; tiles -= 2, tile += 2 * blocks, y += 2 * kTileRows)
        multiply_tiles<Format, 2>(tile, blocks, a, columns, y, y_stride);
    }
  }
  for (; tiles > 0; --tiles, tile += blocks, y += kTileRows)
    multiply_tiles<Format, 1>(tile, blocks, a, columns, y, y_stride);
}

void matmul(MatrixFormat format, const std::byte* matrix, std::uint32_t tiles, const Activations& a,
            std::uint32_t count, float* y, std::uint64_t y_stride) {
  switch (format) {
    case MatrixFormat::q4_0:
      return matmul_tiles<Q4>(matrix, tiles, a, count, y, y_stride);
    case MatrixFormat::i4_bf16:
      return matmul_tiles<FourBits<I4Bf16Block>>(matrix, tiles, a, count, y, y_stride);
    case MatrixFormat::i4_f32:
      return matmul_tiles<FourBits<I4F32Block>>(matrix, tiles, a, count, y, y_stride);
    case MatrixFormat::q8_0:
      return matmul_tiles<Q8>(matrix, tiles, a, count, y, y_stride);
    case MatrixFormat::q6_k:
      return matmul_tiles<Q6>(matrix, tiles, a, count, y, y_stride);
    default:
      return matmul_floats(format, matrix, tiles, a, count, y, y_stride);
  }
}
