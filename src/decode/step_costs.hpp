// What passes and drafts take on this machine, learned from what they took.
#pragma once

#include <array>
#include <cstdint>

#include "gemma4/drafter.hpp"

namespace gemma4 {

/// The median of the latest measurements: a pause of the machine does not move it. When the last
/// few agree on something else, what was before is forgotten.
class RunningMedian {
 public:
  /// True: it was forgotten.
  bool add(double value);
  /// Takes it that everything would now be measured this many times as large.
  void scale(double factor);
  bool empty() const { return count_ == 0; }
  std::uint32_t size() const { return count_ < kKept ? count_ : kKept; }  ///< measurements in it
  double value() const { return median_; }  ///< of two in the middle the lower; 0 when empty

 private:
  static constexpr std::uint32_t kKept = 31, kFew = 5;
  static constexpr double kElse = 1.25;  // a factor beyond the spread of a quiet machine
  double median_of_last(std::uint32_t count) const;

  std::array<double, kKept> latest_{};
  std::uint32_t count_ = 0;
  double median_ = 0;
};

/// T(n), the time of a pass over n rows, and the time a drafter takes for a token; in nanoseconds.
class StepCosts {
 public:
  static constexpr std::uint32_t kRows = kMostDrafts + 1;
  static constexpr std::uint64_t kStale = 512;  // passes

  StepCosts() { estimate(); }

  void pass_took(std::uint32_t rows, double ns);
  void draft_took(std::uint32_t tokens, double ns);

  /// Measured, or estimated from the measured neighbours. Where nothing larger was measured the
  /// estimate is hopeful: being tried is what corrects it. 1 before the first measurement.
  double pass(std::uint32_t rows) const { return likely_[rows]; }
  /// The same without hope: no more than passes that were measured take to do the rows in turn.
  double pass_at_most(std::uint32_t rows) const { return most_[rows]; }
  double draft_token() const;

  /// 0 before the first.
  double measured(std::uint32_t rows) const { return passes_[rows].value(); }
  std::uint32_t measurements(std::uint32_t rows) const { return passes_[rows].size(); }
  /// Whether what is known of passes over as many rows is old: not measured for long, or not since
  /// the machine changed its speed.
  bool stale(std::uint32_t rows) const { return clock_ - last_[rows] >= kStale; }

 private:
  void estimate();

  std::array<RunningMedian, kRows + 1> passes_;      // [rows]
  std::array<double, kRows + 1> likely_{}, most_{};  // [rows]
  std::array<std::uint64_t, kRows + 1> last_{};
  std::uint64_t clock_ = kStale;
  RunningMedian draft_token_;
};

}  // namespace gemma4
