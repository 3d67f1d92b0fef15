#include "decode/step_costs.hpp"

#include <algorithm>
#include <cmath>

namespace gemma4 {
namespace {

/// T(rows) / T(1) where memory is the limit and arithmetic hides behind it.
double hopeful(std::uint32_t rows) { return 1.0 + 0.05 * (rows - 1); }

/// Of T(1), before a draft was measured: about what an assistant's step takes.
constexpr double kDraftShare = 0.03;

/// Relative error of one measurement.
constexpr double kDoubt = 0.08;

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

void StepCosts::pass_took(std::uint32_t rows, double ns) {
  if (stale(rows)) passes_[rows] = {};
  if (passes_[rows].add(ns)) last_.fill(0);
  last_[rows] = ++clock_;
}

void StepCosts::draft_took(std::uint32_t tokens, double ns) {
  // a drafter that found nothing has spent its time all the same
  draft_token_.add(ns / std::max(tokens, 1u));
}

double StepCosts::pass(std::uint32_t rows) const {
  if (!passes_[rows].empty()) {
    // A pass over more rows does all the work of one over fewer. What says otherwise was measured
    // when the machine was slower, or in a pause.
    double least = passes_[rows].value();
    for (std::uint32_t more = rows + 1; more <= kRows; ++more) {
      if (!passes_[more].empty() && !stale(more)) least = std::min(least, passes_[more].value());
    }
    return least;
  }
  std::uint32_t below = rows, above = rows;
  while (below > 0 && passes_[below].empty()) --below;
  while (above <= kRows && passes_[above].empty()) ++above;
  if (below == 0 && above > kRows) return hopeful(rows);
  if (below == 0) return passes_[above].value() * hopeful(rows) / hopeful(above);
  if (above > kRows) return passes_[below].value() * hopeful(rows) / hopeful(below);
  const double share = static_cast<double>(rows - below) / (above - below);
  return passes_[below].value() * (1.0 - share) + passes_[above].value() * share;
}

double StepCosts::pass_at_best(std::uint32_t rows) const {
  return pass(rows) * (1.0 - kDoubt / std::sqrt(std::max(passes_[rows].size(), 1u)));
}

double StepCosts::draft_token() const {
  return draft_token_.empty() ? kDraftShare * pass(1) : draft_token_.value();
}

}  // namespace gemma4
