// A batch of activation rows as the matrix kernels read them.
#pragma once

#include <cstdint>

#include "base/buffer.hpp"
#include "gemma4/model.hpp"

namespace gemma4 {

/// The most that one digit is, with either sign, and what a 16-bit number counts its two digits in.
constexpr std::int32_t kLargestDigit = 127, kDigitBase = 2 * kLargestDigit + 1;

constexpr std::uint32_t activation_digits(ActivationType type) {
  return type == ActivationType::int16 ? 2 : 1;
}

/// The largest integer of one or two digits.
constexpr float largest_code(std::uint32_t digits) {
  return static_cast<float>(digits == 1 ? kLargestDigit : kLargestDigit * (kDigitBase + 1));
}

/// The first of a number's two digits: the quotient by 255, rounded to the nearest integer. 257 /
/// 65536 is so close to 1 / 255 that this holds for every number of two digits.
constexpr std::int32_t first_digit(std::int32_t code) { return (code * 257 + 32768) >> 16; }

/// `rows` rows of `columns` numbers (a multiple of 32). Their integer form (docs/numerics.md, rule
/// 2) has one digit of 8 bits for each number, or two: code = 255 * first + second. The kernels
/// multiply digits. Those of equal place in a row are a column to them, with scales of their own;
/// the products of a row's two are added in the end. So 16-bit activations are two 8-bit columns,
/// and no sum of a block is larger than with one digit: at most 32 * 128 * 32 * 127 < 2^24 (Q6_K).
///
/// Offset terms come with the digits: the kernels keep weight codes unsigned, so sum((w - 8) * q) =
/// sum(w * q) - 8 * sum(q) starts from a stored -8 * sum(q). The terms are split into two 16-bit
/// halves, columns 4s, 4s+1 and 4s+2, 4s+3, because the 16-bit kernels add up these halves apart.
struct Activations {
  std::uint32_t columns = 0;
  std::uint32_t digits = 1;          ///< 1 or 2
  float* values = nullptr;           ///< [rows][columns]; null when only the integers are needed
  std::int8_t* codes = nullptr;      ///< [rows][digits][columns]
  float* scale = nullptr;            ///< [rows][digits][columns / 32]
  std::int16_t* offset8 = nullptr;   ///< [rows][digits][columns / 32][2]: -8 * sum(q) over 32
  std::int16_t* offset32 = nullptr;  ///< [rows][digits][columns / 16][2]: -32 * sum(q) over 16

  /// The same batch from `row` on.
  Activations from(std::uint32_t row) const {
    Activations a = from_digits(row * digits);
    if (values != nullptr) a.values = values + std::uint64_t{row} * columns;
    return a;
  }

  /// The digits from the i-th row of them on, without values.
  Activations from_digits(std::uint32_t i) const { return at(std::uint64_t{i} * columns); }

  /// The first digits of a row from `column` on, a multiple of 32, without values. The second ones
  /// are from_digits(1) of it.
  Activations block(std::uint32_t row, std::uint64_t column) const {
    return at(std::uint64_t{row} * digits * columns + column);
  }

 private:
  Activations at(std::uint64_t digit) const {
    if (codes == nullptr) return {columns, digits};
    return {columns,
            digits,
            nullptr,
            codes + digit,
            scale + digit / 32,
            offset8 + digit / 16,
            offset32 + digit / 8};
  }
};

/// Room for the integer form of a batch; `values` are placed elsewhere.
inline Activations take_activations(Carver& carver, std::uint64_t rows, std::uint32_t columns,
                                    std::uint32_t digits, float* values) {
  const std::uint64_t count = rows * columns * digits;
  return {columns,
          digits,
          values,
          carver.take<std::int8_t>(count).data(),
          carver.take<float>(count / 32).data(),
          carver.take<std::int16_t>(count / 16).data(),
          carver.take<std::int16_t>(count / 8).data()};
}

}  // namespace gemma4
