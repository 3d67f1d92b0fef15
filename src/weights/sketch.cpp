#include "weights/sketch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

#include "base/lanes.hpp"
#include "kernels/activations.hpp"
#include "kernels/tiles.hpp"
#include "weights/block_formats.hpp"
#include "weights/matrix_rows.hpp"

namespace gemma4 {
namespace {

/// The distance of four even levels that loses least of normally distributed numbers, in standard
/// deviations (Max, "Quantizing for minimum distortion", 1960).
constexpr float kStep = 0.9957f;

/// `count` numbers of row `r`, zeros behind them.
void sketch_block(const float (&x)[kSketchColumns], std::uint32_t count, std::uint32_t r,
                  SketchBlock& out) {
  const float squares = sum_in_lanes(kSketchColumns, [&](std::uint32_t k) { return x[k] * x[k]; });
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
  out.scale[r] = sum_in_lanes(kSketchColumns, [&](std::uint32_t k) { return x[k] * level(k); }) /
                 sum_in_lanes(kSketchColumns, [&](std::uint32_t k) { return level(k) * level(k); });
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

void sketch_query(std::span<const float> x, std::span<std::int8_t> codes,
                  std::span<std::int32_t> offset) noexcept {
  float largest = 0.0f;
  bool numbers = true;
  for (const float value : x) {
    largest = std::max(largest, std::fabs(value));
    numbers = numbers && std::isfinite(value);
  }
  const float d = largest / static_cast<float>(kLargestDigit);
  std::fill(codes.begin(), codes.end(), std::int8_t{0});
  if (numbers && std::isnormal(d)) {
    for (std::size_t i = 0; i < x.size(); ++i)
      codes[i] = static_cast<std::int8_t>(std::nearbyint(x[i] / d));
  }
  for (std::size_t b = 0; b < offset.size(); ++b) {
    std::int32_t sum = 0;
    for (const std::int8_t code : codes.subspan(b * kSketchColumns, kSketchColumns)) sum += code;
    offset[b] = -3 * sum;
  }
}

}  // namespace gemma4
