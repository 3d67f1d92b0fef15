#include "decode/depth_controller.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

// The ledger, in plain steps. What it begins with pays for the first trial, a pass over two rows
// that takes as long as two passes, and a draft as it is taken to be before one was measured; what
// it can hold at most is what a bad stretch may cost after a good one.
constexpr double kFirstBalance = 1.03, kMostBalance = 8.0, kAllowance = 0.01;

// Debts above this are forgiven, lest bad luck lock out a good drafter: they come from depths that
// paid before, since others are not tried on credit.
constexpr double kMostDebt = 0.05;

/// What the best depth must promise over plain steps: less is within the errors of the estimates.
constexpr double kLeastGain = 1.02;

/// Relative error of one measurement of a plain step, on a quiet machine: one that came out too
/// long would make hopeless drafts look free, and by them not be measured again.
constexpr double kPlainDoubt = 0.03;

// Steps between probes: more and more, until they cost this share of the time.
constexpr std::uint32_t kFirstProbe = 4, kOftenest = 16, kRarest = 128;
constexpr double kProbeShare = 0.006;

/// A drafter this cheap, as a share of a plain step, is asked even when nothing is expected of it.
constexpr double kCheap = 0.002;

constexpr std::uint32_t kBetweenForced = 32;  // rounds

}  // namespace

DepthController::DepthController() : ledger_(kFirstBalance), probe_interval_(kFirstProbe) {}

/// The rate of the best depth up to `most`, which goes to `depth`.
double DepthController::best_rate(std::uint32_t most, std::uint32_t& depth) const {
  const double plain = 1.0 / costs_.pass(1);
  double tokens = 1.0, reach = 1.0,
         best = (kLeastGain + kPlainDoubt / costs_.measurements(1)) * plain;
  depth = 0;
  for (std::uint32_t k = 1; k <= most; ++k) {
    reach *= acceptance_.at(k - 1);
    tokens += reach;
    const double rate = tokens / (costs_.pass(k + 1) + k * costs_.draft_token());
    if (rate <= best) continue;
    best = rate;
    depth = k;
  }
  return depth > 0 ? best : plain;
}

/// Whether a pass should be measured anew now; its depth goes to forced_. Only out of a good
/// balance, and only what was worth a trial before.
bool DepthController::renew(std::uint32_t most) {
  if (++since_forced_ < kBetweenForced || ledger_ < kMostBalance / 2) return false;
  for (std::uint32_t k = 0; k <= most; ++k) {
    if (costs_.measured(k + 1) == 0 || !costs_.stale(k + 1)) continue;
    since_forced_ = 0;
    forced_ = k;
    return true;
  }
  return false;
}

/// What a draft costs in plain steps when its first token is wrong, at most.
double DepthController::loss(std::uint32_t depth) const {
  return (costs_.pass_at_most(depth + 1) + depth * costs_.draft_token()) / costs_.pass(1) - 1.0;
}

/// Whether the balance bears the loss. Of what was tried before it is enough to bear the expected
/// one, or a depth whose losses are large, rare and worth it could not be kept up.
bool DepthController::affordable(std::uint32_t depth) const {
  const bool known = depth > 1 && costs_.measured(depth + 1) > 0;
  return loss(depth) * (known ? 1.0 - acceptance_.at(0) : 1.0) <= ledger_;
}

std::uint32_t DepthController::next_interval(bool accepted) const {
  const double cost = loss(1);
  if (accepted) return cost < 1.0 ? 1 : std::max(probe_interval_ / 2, 1u);  // it paid for itself
  const double rarest = std::clamp(cost / kProbeShare, double{kOftenest}, double{kRarest});
  return std::min(2 * probe_interval_, static_cast<std::uint32_t>(rarest));
}

std::uint32_t DepthController::plan(std::uint32_t most) {
  most_ = std::min(most, kMostDrafts);
  count_ = depth_ = 0;
  reach_ = 1.0;
  expected_[0] = 1.0;
  mode_ = Mode::best;
  // without T(1) no gain can be told from a loss
  if (costs_.measured(1) == 0) return 0;
  std::uint32_t wanted = 0, planned = 0;
  best_rate(most_, wanted);
  while (most_ > 0 && !affordable(most_)) --most_;
  if (most_ == 0) return 0;
  rate_ = best_rate(most_, planned);
  if (planned > 0) {
    if (!renew(most_)) return most_;
    mode_ = Mode::forced;
    return forced_;
  }
  if (!affordable(1)) return 0;
  if (wanted > 0) {  // only what is beyond the balance would pay; single tokens may earn it
    mode_ = Mode::forced;
    return forced_ = 1;
  }
  ++since_probe_;
  if (since_probe_ >= probe_interval_) {
    mode_ = Mode::probe;
    return 1;
  }
  mode_ = Mode::open;
  return costs_.draft_token() < kCheap * costs_.pass(1) ? most_ : 0;
}

bool DepthController::drafted(float confidence) {
  if (count_ == most_) return false;
  reach_ *= acceptance_.of(count_, confidence);
  confidences_[count_] = confidence;
  expected_[count_ + 1] = expected_[count_] + reach_;
  ++count_;
  if (mode_ == Mode::probe) return false;
  if (mode_ == Mode::forced) return count_ < forced_;
  double best = value(0);
  for (std::uint32_t k = 1; k <= count_; ++k) best = std::max(best, value(k));
  double tokens = expected_[count_], reach = reach_;
  for (std::uint32_t k = count_ + 1; k <= most_; ++k) {
    reach *= acceptance_.at(k - 1);
    tokens += reach;
    const double time = costs_.pass(k + 1) + (k - count_) * costs_.draft_token();
    if (tokens - rate_ * time > best) return true;
  }
  return false;
}

std::uint32_t DepthController::settle() {
  depth_ = count_;
  if (mode_ == Mode::probe || mode_ == Mode::forced) return depth_;
  depth_ = 0;
  for (std::uint32_t k = 1; k <= count_; ++k) {
    if (value(k) > value(depth_)) depth_ = k;
  }
  return depth_;
}

void DepthController::draft_took(std::uint32_t tokens, std::uint64_t ns) {
  costs_.draft_took(tokens, static_cast<double>(ns));
  // estimates here and below, not what it took: a pause of the machine is nobody's loss
  ledger_ -= std::max(tokens, 1u) * costs_.draft_token() / costs_.pass(1);
}

void DepthController::pass_took(std::uint32_t rows, std::uint64_t ns) {
  costs_.pass_took(rows, static_cast<double>(ns));
}

void DepthController::judged(std::uint32_t accepted, bool rejected) {
  if (depth_ == 0) {
    acceptance_.idle();
  } else {
    acceptance_.judged(std::span(confidences_).first(depth_), accepted, rejected);
    ledger_ += accepted + 1 - costs_.pass(depth_ + 1) / costs_.pass(1);
  }
  ledger_ = std::clamp(ledger_ + kAllowance, -kMostDebt, kMostBalance);
  if (mode_ != Mode::probe || depth_ == 0) return;
  since_probe_ = 0;
  probe_interval_ = next_interval(accepted > 0);
}

}  // namespace gemma4
