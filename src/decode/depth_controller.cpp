#include "decode/depth_controller.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

// The ledger, in plain steps. What it begins with pays for the first trials; what it can hold at
// most is what a bad stretch may cost after a good one.
constexpr double kFirstBalance = 2.0, kMostBalance = 8.0, kAllowance = 0.01;

constexpr std::uint32_t kFirstProbe = 4, kRarestProbe = 64;  // steps between probes

/// A drafter this cheap, as a share of a plain step, is asked even when nothing is expected of it.
constexpr double kCheap = 0.002;

// Measurements older than this many passes are renewed, one in so many rounds.
constexpr std::uint64_t kStale = 512;
constexpr std::uint32_t kBetweenForced = 32;

}  // namespace

DepthController::DepthController() : ledger_(kFirstBalance), probe_interval_(kFirstProbe) {}

/// The rate of the best depth up to `most`, which goes to `depth`.
double DepthController::best_rate(std::uint32_t most, std::uint32_t& depth) const {
  double tokens = 1.0, reach = 1.0, best = 1.0 / costs_.pass(1);
  depth = 0;
  for (std::uint32_t k = 1; k <= most; ++k) {
    reach *= acceptance_.at(k - 1);
    tokens += reach;
    const double rate = tokens / (costs_.pass(k + 1) + k * costs_.draft_token());
    if (rate <= best) continue;
    best = rate;
    depth = k;
  }
  return best;
}

/// Whether a pass should be measured anew now; its depth goes to forced_. Only out of a good
/// balance.
bool DepthController::stale(std::uint32_t most) {
  if (++since_forced_ < kBetweenForced || ledger_ < kMostBalance / 2) return false;
  std::uint32_t oldest = 0;
  for (std::uint32_t k = 1; k <= most; ++k) {
    if (costs_.age(k + 1) > costs_.age(oldest + 1)) oldest = k;
  }
  if (costs_.age(oldest + 1) < kStale) return false;
  since_forced_ = 0;
  forced_ = oldest;
  return true;
}

std::uint32_t DepthController::plan(std::uint32_t most) {
  most_ = std::min(most, kMostDrafts);
  count_ = depth_ = 0;
  reach_ = 1.0;
  expected_[0] = 1.0;
  mode_ = Mode::best;
  // without T(1) no gain can be told from a loss
  if (most_ == 0 || costs_.measured(1) == 0) return 0;
  std::uint32_t planned = 0;
  rate_ = best_rate(most_, planned);
  if (ledger_ < 0) return 0;
  if (planned > 0) {
    if (!stale(most_)) return most_;
    mode_ = Mode::forced;
    return forced_;
  }
  ++since_probe_;
  if (probe_due()) {
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
  ledger_ = std::min(ledger_ + kAllowance, kMostBalance);
  if (mode_ != Mode::probe || depth_ == 0) return;
  since_probe_ = 0;
  probe_interval_ = accepted > 0 ? 1 : std::min(2 * probe_interval_, kRarestProbe);
}

}  // namespace gemma4
