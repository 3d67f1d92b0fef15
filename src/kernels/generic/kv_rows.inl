// KV rows to and from memory (docs/numerics.md, rule 8; kernels/kv_rows.hpp says how they lie).
// Included inside an instruction set's namespace, after math.inl.

/// A block of 32 numbers in 8 bits, as row r of a tile. The scale d = amax / 127 is rounded to half
/// before it divides, so that |q| stays at most 127. A block whose scale is no normal half counts
/// as zero; one that holds an infinity or NaN, or is too large, gets d = NaN, so that the damage
/// shows.
inline void store_block(const float* x, Q8Block& tile, std::uint32_t part, std::uint32_t r) {
  const Vec a = load(x), b = load(x + 16);
  const float largest = max_tree(max(abs(a), abs(b)));
  const float zero = sum_tree(add(mul(a, set1(0.0f)), mul(b, set1(0.0f))));  // or NaN
  std::uint16_t half[16];
  store_half(half, set1(largest / 127.0f));
  float rounded[16];
  store(rounded, load_half(half));
  const float d = rounded[0];
  const bool damaged = zero != 0.0f || d > 65504.0f;
  const bool empty = damaged || d < 0x1p-14f;
  float codes[kBlock] = {};
  if (!empty) {
    store(codes, round_even(div(a, set1(d))));
    store(codes + 16, round_even(div(b, set1(d))));
  }
  tile.scale[part][r] = damaged ? std::uint16_t{0x7e00} : empty ? std::uint16_t{0} : half[0];
  for (std::uint32_t k = 0; k < kBlock; ++k)
    tile.codes[part][k / 4 * 64 + 4 * r + k % 4] = static_cast<std::int8_t>(codes[k]);
}

void store_row(const float* x, std::uint32_t width, KvType type, std::byte* chunk,
               std::uint32_t index) {
  if (type == KvType::q8_0) {
    Q8Block* tile = reinterpret_cast<Q8Block*>(chunk + index / kTileRows *
                                                           tile_bytes(MatrixFormat::q8_0, width));
    for (std::uint32_t b = 0; b < width / kBlock; ++b)
      store_block(x + b * kBlock, tile[b / 2], b % 2, index % kTileRows);
    return;
  }
  std::byte* row = chunk + std::uint64_t{index} * width * element_bytes(type);
  for (std::uint32_t i = 0; i < width; i += 16) {
    if (type == KvType::f32)
      store(reinterpret_cast<float*>(row) + i, load(x + i));
    else
      store_half(reinterpret_cast<std::uint16_t*>(row) + i, load(x + i));
  }
}

/// `count` stored numbers as floats.
inline void widen(const std::uint16_t* row, std::uint32_t count, float* out) {
  for (std::uint32_t i = 0; i < count; i += 16) store(out + i, load_half(row + i));
}
