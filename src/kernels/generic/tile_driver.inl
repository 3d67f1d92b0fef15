// Tiles and groups of up to 16 columns of digits for tile_columns<Format, N, T>. Included inside an
// instruction set's namespace, after its matmul.inl.

/// Blocks of one tile.
template <typename Format>
std::uint64_t tile_blocks(const Activations& a) {
  return (a.columns / kBlock + Format::kBlocks - 1) / Format::kBlocks;
}

template <typename Format>
using TileFunction = void (*)(const typename Format::Block*, std::uint64_t, const Activations&,
                              float*, std::uint64_t);

/// tile_columns<Format, N, T>, or nullptr where the format does not take T tiles for so many.
template <typename Format, int N, int T>
constexpr TileFunction<Format> tile_function() {
  if constexpr (T == 1 || N <= Format::kPairedColumns) return tile_columns<Format, N, T>;
  return nullptr;
}

/// T tiles times all columns of digits, in groups of up to 16.
template <typename Format, int T>
void multiply_tiles(const typename Format::Block* tile, std::uint64_t stride, const Activations& a,
                    std::uint32_t columns, float* y, std::uint64_t y_stride) {
  constexpr TileFunction<Format> kFunctions[] = {nullptr,
                                                 tile_function<Format, 1, T>(),
                                                 tile_function<Format, 2, T>(),
                                                 tile_function<Format, 3, T>(),
                                                 tile_function<Format, 4, T>(),
                                                 tile_function<Format, 5, T>(),
                                                 tile_function<Format, 6, T>(),
                                                 tile_function<Format, 7, T>(),
                                                 tile_function<Format, 8, T>(),
                                                 tile_function<Format, 16, T>()};
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
  const std::uint32_t columns = count * a.digits;
  const std::uint64_t stride = tile_blocks<Format>(a);
  std::uint32_t t = 0;
  if constexpr (Format::kPairedColumns > 0) {
    if (columns <= Format::kPairedColumns) {
      for (; t + 2 <= tiles; t += 2, y += std::uint64_t{2} * kTileRows)
        multiply_tiles<Format, 2>(tile + t * stride, stride, a, columns, y, y_stride);
    }
  }
  for (; t < tiles; ++t, y += kTileRows)
    multiply_tiles<Format, 1>(tile + t * stride, stride, a, columns, y, y_stride);
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
