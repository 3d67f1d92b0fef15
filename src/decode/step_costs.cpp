#include "decode/step_costs.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

// What a row more takes where nothing larger was measured: this share of what the rows so far took
// more than one, on average, and at least this share of T(1), as where memory is the limit and
// arithmetic hides behind it. Half, so that a larger pass looks worth a trial where what was
// measured is only part of a step of the kernels; being tried is what corrects it.
constexpr double kHopefulSlope = 0.5, kLeastSlope = 0.05;

/// Of T(1), before a draft was measured: about what an assistant's step takes.
constexpr double kDraftShare = 0.03;

}  // namespace

bool RunningMedian::add(double value) {
  latest_[count_ % kKept] = value;
  ++count_;
  median_ = median_of_last(std::min(count_, kKept));
  if (count_ <= kFew) return false;
  // each of them, not their middle: pauses that fall close together are three of five easily
  std::array<double, kFew> few;
  for (std::uint32_t i = 0; i < kFew; ++i) few[i] = latest_[(count_ - kFew + i) % kKept];
  const auto [least, most] = std::minmax_element(few.begin(), few.end());
  if (*least < kElse * median_ && median_ < kElse * *most) return false;
  const double now = median_of_last(kFew);
  std::copy(few.begin(), few.end(), latest_.begin());
  count_ = kFew;
  median_ = now;
  return true;
}

double RunningMedian::median_of_last(std::uint32_t count) const {
  std::array<double, kKept> sorted;
  for (std::uint32_t i = 0; i < count; ++i) sorted[i] = latest_[(count_ - count + i) % kKept];
  std::sort(sorted.begin(), sorted.begin() + count);
  return sorted[(count - 1) / 2];
}

void RunningMedian::scale(double factor) {
  for (double& value : latest_) value *= factor;
  median_ *= factor;
}

void StepCosts::pass_took(std::uint32_t rows, double ns) {
  if (stale(rows)) passes_[rows] = {};
  const double before = passes_[rows].value();
  if (passes_[rows].add(ns)) {
    // the machine changed its speed: for other passes too, it is taken, until they are measured
    last_.fill(0);
    for (std::uint32_t n = 1; n <= kRows; ++n) {
      if (n != rows) passes_[n].scale(passes_[rows].value() / before);
    }
  }
  last_[rows] = ++clock_;
  estimate();
}

void StepCosts::draft_took(std::uint32_t tokens, double ns) {
  // a drafter that found nothing has spent its time all the same
  draft_token_.add(ns / std::max(tokens, 1u));
}

void StepCosts::estimate() {
  const double one = passes_[1].empty() ? 1.0 : passes_[1].value();
  likely_[1] = most_[1] = one;
  std::uint32_t below = 1;  // the last that was measured
  for (std::uint32_t n = 2; n <= kRows; ++n) {
    // Two passes can share the rows. What says otherwise was measured in a pause.
    most_[n] = passes_[n].empty() || stale(n) ? n * one : passes_[n].value();
    for (std::uint32_t m = 1; m < n; ++m) most_[n] = std::min(most_[n], most_[m] + most_[n - m]);
    if (passes_[n].empty()) continue;
    likely_[n] = passes_[n].value();
    const double slope = (likely_[n] - likely_[below]) / (n - below);
    for (std::uint32_t m = below + 1; m < n; ++m) likely_[m] = likely_[m - 1] + slope;
    below = n;
  }
  const double mean = below > 1 ? (likely_[below] - one) / (below - 1) : 0.0;
  const double slope = std::max(kHopefulSlope * mean, kLeastSlope * one);
  for (std::uint32_t n = below + 1; n <= kRows; ++n) likely_[n] = likely_[n - 1] + slope;
  // A pass over more rows does all the work of one over fewer. What says otherwise was measured
  // when the machine was slower, or in a pause.
  for (std::uint32_t n = kRows - 1; n > 0; --n) most_[n] = std::min(most_[n], most_[n + 1]);
  for (std::uint32_t n = 1; n <= kRows; ++n) likely_[n] = std::min(likely_[n], most_[n]);
}

double StepCosts::draft_token() const {
  return draft_token_.empty() ? kDraftShare * pass(1) : draft_token_.value();
}

}  // namespace gemma4
