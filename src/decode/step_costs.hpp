// What passes and drafts take on this machine, learned from what they took.
#pragma once

#include <array>
#include <cstdint>

#include "gemma4/drafter.hpp"

namespace gemma4 {

/// The median of the latest measurements: a pause of the machine does not move it, a lasting change
/// does after half of them.
class RunningMedian {
 public:
  void add(double value);
  bool empty() const { return count_ == 0; }
  double value() const { return median_; }  ///< of two in the middle the lower; 0 when empty

 private:
  static constexpr std::uint32_t kKept = 15;
  std::array<double, kKept> latest_{};
  std::uint32_t count_ = 0;
  double median_ = 0;
};

/// T(n), the time of a pass over n rows, and the time a drafter takes for a token; in nanoseconds.
class StepCosts {
 public:
  static constexpr std::uint32_t kRows = kMostDrafts + 1;

  void pass_took(std::uint32_t rows, double ns);
  void draft_took(std::uint32_t tokens, double ns);

  /// Measured, or estimated from the measured neighbours. Where nothing larger was measured the
  /// estimate is hopeful: being tried is what corrects it. 1 before the first measurement.
  double pass(std::uint32_t rows) const;
  double draft_token() const;

  /// 0 before the first.
  double measured(std::uint32_t rows) const { return passes_[rows].value(); }
  /// Passes since the last one over as many rows.
  std::uint64_t age(std::uint32_t rows) const { return clock_ - last_[rows]; }

 private:
  std::array<RunningMedian, kRows + 1> passes_;  // [rows]
  std::array<std::uint64_t, kRows + 1> last_{};
  std::uint64_t clock_ = 0;
  RunningMedian draft_token_;
};

}  // namespace gemma4
