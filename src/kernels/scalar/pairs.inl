// --- pairs of 16-bit integers: P times V in integers

/// Pairs in a register.
constexpr std::uint32_t kPairs = 16;
struct Pairs {
  std::int16_t pair[16][2];
};
struct Sums {
  std::int32_t lane[16];
};

Sums zero_sums() { return {}; }
Pairs load_pairs(const std::int16_t* p) {
  Pairs x;
  std::memcpy(&x, p, sizeof x);
  return x;
}
Pairs broadcast_pair(const std::int16_t* p) {
  Pairs x;
  for (auto& pair : x.pair) std::memcpy(pair, p, sizeof pair);
  return x;
}
/// The sums plus both products of each pair.
Sums add_pairs(Sums sums, const Pairs& x, const Pairs& y) {
  for (int i = 0; i < 16; ++i)
    sums.lane[i] += x.pair[i][0] * y.pair[i][0] + x.pair[i][1] * y.pair[i][1];
  return sums;
}
/// out = fma(float(sum), scale, out)
void add_scaled(float* out, const Sums& sums, float scale) {
  for (int i = 0; i < 16; ++i) out[i] = std::fma(static_cast<float>(sums.lane[i]), scale, out[i]);
}
/// The nearest integers, ties to even, of numbers that fit 16 bits.
void store_rounded(std::int16_t* p, Vec v) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<std::int16_t>(std::nearbyint(v.lane[i]));
}
/// out[64 * i + 2 * c + j] = code of row 2 i + j, column c: one block of a tile (tiles.hpp), wide.
void pair_rows(const std::int8_t* codes, std::int16_t* out) {
  for (std::uint32_t r = 0; r < kTileRows; ++r) {
    for (std::uint32_t c = 0; c < kBlock; ++c)
      out[64 * (r / 2) + 2 * c + r % 2] =
          static_cast<std::int16_t>(+codes[64 * (c / 4) + 4 * r + c % 4]);
  }
}
/// out = (x * y + 2^14) / 2^15, rounded down, for the positions of a chunk.
void multiply_fractions(const std::int16_t* x, const std::int16_t* y, std::int16_t* out) {
  for (std::uint32_t k = 0; k < kChunk; ++k)
    out[k] = static_cast<std::int16_t>((x[k] * y[k] + (1 << 14)) >> 15);
}
