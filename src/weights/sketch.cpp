#include "weights/sketch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

#include "kernels/tiles.hpp"
#include "weights/block_formats.hpp"
#include "weights/matrix_rows.hpp"

namespace gemma4 {
namespace {

/// The distance of four even levels that loses least of normally distributed numbers, in standard
/// deviations (Max, "Quantizing for minimum distortion", 1960).
constexpr float kStep = 0.9957f;

/// Sixteen lanes, added up in the end, so that compilers may use registers of any width.
template <typename Term>
float sum_of(const Term& term) {
  float lanes[16] = {};
  for (std::uint32_t k = 0; k < kSketchColumns; k += 16) {
    for (std::uint32_t lane = 0; lane < 16; ++lane) lanes[lane] += term(k + lane);
  }
  float sum = 0.0f;
  for (const float lane : lanes) sum += lane;
  return sum;
}

/// `count` numbers of row `r`, zeros behind them.
void sketch_block(const float (&x)[kSketchColumns], std::uint32_t count, std::uint32_t r,
                  SketchBlock& out) {
  const float squares = sum_of([&](std::uint32_t k) { return x[k] * x[k]; });
  const float step = kStep * std::sqrt(squares / static_cast<float>(count));
  std::uint8_t codes[kSketchColumns];
  for (std::uint32_t k = 0; k < kSketchColumns; ++k)
    codes[k] = static_cast<std::uint8_t>((x[k] >= -step) + (x[k] >= 0.0f) + (x[k] >= step));
  for (std::uint32_t k = 0; k < kSketchColumns; k += 16) {
    for (std::uint32_t j = 0; j < 4; ++j) {
      const std::uint8_t* c = codes + k + j;
      out.codes[4 * k + 4 * r + j] =
          static_cast<std::uint8_t>(c[0] | c[4] << 2 | c[8] << 4 | c[12] << 6);
    }
  }
  // the scale that loses least for these codes: sum(x l) / sum(l l)
  const auto level = [&](std::uint32_t k) {
    return k < count ? static_cast<float>(2 * codes[k] - 3) : 0.0f;
  };
  out.scale[r] = sum_of([&](std::uint32_t k) { return x[k] * level(k); }) /
                 sum_of([&](std::uint32_t k) { return level(k) * level(k); });
}

}  // namespace

void sketch_tile(TensorType type, const std::byte* source, std::uint64_t row_bytes,
                 std::uint32_t rows, std::uint32_t columns, std::byte* tile) noexcept {
  SketchBlock* blocks = reinterpret_cast<SketchBlock*>(tile);
  std::memset(tile, 0, static_cast<std::size_t>(tile_bytes(MatrixFormat::sketch, columns)));
  for (std::uint32_t from = 0; from < columns; from += kSketchColumns) {
    const std::uint32_t count = std::min(kSketchColumns, columns - from);
    const std::uint64_t at = row_bytes_of(type, from), bytes = row_bytes_of(type, count);
    for (std::uint32_t r = 0; r < rows; ++r) {
      float x[kSketchColumns] = {};
      dequantize_row(type, {source + r * row_bytes + at, static_cast<std::size_t>(bytes)},
                     std::span(x).first(count));
      sketch_block(x, count, r, blocks[from / kSketchColumns]);
    }
  }
}

}  // namespace gemma4
