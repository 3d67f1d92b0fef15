// Tiles and groups of up to 16 columns for tile_columns<Format, N>. Included inside an instruction
// set's namespace, after its matmul.inl.

template <typename Format>
void matmul_tiles(const std::byte* matrix, std::uint32_t tiles, const Activations& a,
                  std::uint32_t count, float* y, std::uint64_t y_stride) {
  using Function =
      void (*)(const typename Format::Block*, const Activations&, float*, std::uint64_t);
  constexpr Function kFunctions[] = {nullptr,
                                     tile_columns<Format, 1>,
                                     tile_columns<Format, 2>,
                                     tile_columns<Format, 3>,
                                     tile_columns<Format, 4>,
                                     tile_columns<Format, 5>,
                                     tile_columns<Format, 6>,
                                     tile_columns<Format, 7>,
                                     tile_columns<Format, 8>,
                                     tile_columns<Format, 16>};
  const std::uint32_t stride = (a.columns / kBlock + Format::kBlocks - 1) / Format::kBlocks;
  for (std::uint32_t t = 0; t < tiles; ++t) {
    const auto* tile =
        reinterpret_cast<const typename Format::Block*>(matrix) + std::uint64_t{t} * stride;
    for (std::uint32_t c = 0; c < count;) {
      const std::uint32_t left = count - c, n = left >= 16 ? 16 : left < 8 ? left : 8;
      kFunctions[n < 16 ? n : 9](tile, a.from(c), y + c * y_stride + std::uint64_t{t} * kTileRows,
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
