// Rotary position angles: cosines and sines of any position, from two small tables.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/buffer.hpp"

namespace gemma4 {

/// Pair i of a head turns by position * base^(-2i / head_size) / factor[i]. The angle of position
/// 512 h + l is the sum of the angles of 512 h and of l, so two tables of exact doubles and the
/// addition theorem give every position up to the limit; the error before the final rounding to
/// float is below 1e-10 (the products of the table angles), far under half a unit of float.
class RotaryTable {
 public:
  /// `factors` may be shorter than the pairs: the rest do not turn; empty: all turn with factor 1.
  RotaryTable(double base, std::uint32_t head_size, std::span<const double> factors,
              std::uint32_t positions, const AllocatorPtr& allocator = nullptr);

  /// Pairs that turn at all; those behind them are left alone.
  std::uint32_t pairs() const { return pairs_; }

  /// Writes pairs() cosines and sines.
  void angles(std::uint32_t position, float* cosine, float* sine) const;

  /// What the constructor takes for so many pairs that turn.
  static std::uint64_t bytes(std::uint32_t pairs, std::uint32_t positions);
  std::uint64_t size_bytes() const { return (low_.capacity() + high_.capacity()) * sizeof(Turn); }

 private:
  struct Turn {
    double cosine, sine;
  };
  std::uint32_t pairs_ = 0;
  using Turns = std::vector<Turn, PlannedMemory<Turn>>;

  Turns low_, high_;  // [position % 512][pairs], [position / 512][pairs]
};

}  // namespace gemma4
