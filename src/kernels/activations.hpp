// A batch of activation rows as the matrix kernels read them.
#pragma once

#include <cstdint>

namespace gemma4 {

/// `rows` rows of `columns` numbers (a multiple of 32). The 8-bit form (docs/numerics.md, rule 2)
/// comes with offset terms: the kernels keep weight codes unsigned, so sum((w - 8) * q) = sum(w *
/// q) - 8 * sum(q) starts from a stored -8 * sum(q). The terms are split into two 16-bit halves,
/// columns 4s, 4s+1 and 4s+2, 4s+3, because the 16-bit kernels add up these halves apart.
struct Activations {
  std::uint32_t columns = 0;
  float* values = nullptr;           ///< [rows][columns]; null when only the 8-bit form is needed
  std::int8_t* codes = nullptr;      ///< [rows][columns]
  float* scale = nullptr;            ///< [rows][columns / 32]
  std::int16_t* offset8 = nullptr;   ///< [rows][columns / 32][2]: -8 * sum(q) over 32 columns
  std::int16_t* offset32 = nullptr;  ///< [rows][columns / 16][2]: -32 * sum(q) over 16 columns

  /// The same batch from `row` on.
  Activations from(std::uint32_t row) const {
    Activations a = *this;
    a.skip(std::uint64_t{row} * columns);
    return a;
  }

  /// Columns column ... column + width - 1 of one row (both multiples of 32), as a batch of one.
  Activations part(std::uint32_t row, std::uint64_t column, std::uint32_t width) const {
    Activations a = *this;
    a.skip(std::uint64_t{row} * columns + column);
    a.columns = width;
    return a;
  }

 private:
  void skip(std::uint64_t numbers) {
    if (values != nullptr) values += numbers;
    if (codes == nullptr) return;
    codes += numbers;
    scale += numbers / 32;
    offset8 += numbers / 16;
    offset32 += numbers / 8;
  }
};

}  // namespace gemma4
