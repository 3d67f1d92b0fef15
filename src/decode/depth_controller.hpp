// How many tokens to draft: as many as pay.
#pragma once

#include <array>
#include <cstdint>

#include "decode/acceptance.hpp"
#include "decode/step_costs.hpp"

namespace gemma4 {

/// Maximises expected tokens per second. With a(i) the acceptance of place i, T(n) the time of a
/// pass over n rows and d that of drafting a token, a draft of k tokens gives
///   E(k) = 1 + a(1) + a(1) a(2) + ... tokens in T(k + 1) + k d.
/// The best k sets a rate R; then each token is drafted, and in the end checked, if its expected
/// share of a token is worth more than R times the time it takes. With confidences the same rule
/// ends doubtful drafts early.
///
/// It refuses to lose: a ledger holds what drafts gained and lost, in plain steps, and no draft is
/// made whose loss the balance does not bear, or, of depths that were measured, whose expected
/// loss. A step adds 1/100 to it, so what trials cost in the long run is bounded by that share.
/// docs/speculative-decoding.md has the whole model.
///
/// A round: plan(), drafted() for every token, settle(), the pass, judged(). Times come from
/// outside and decide nothing but depths.
class DepthController {
 public:
  DepthController();

  /// How many tokens the drafter may be asked for, at most `most`; 0: leave it alone this time.
  std::uint32_t plan(std::uint32_t most);
  /// Takes one drafted token into account. True: one more.
  bool drafted(float confidence);
  /// How many of the drafted tokens to check: the first so many.
  std::uint32_t settle();

  void draft_took(std::uint32_t tokens, std::uint64_t ns);
  void pass_took(std::uint32_t rows, std::uint64_t ns);

  /// What became of the tokens that settle() let pass. For 0 of them too: a step was made.
  void judged(std::uint32_t accepted, bool rejected);

  const StepCosts& costs() const { return costs_; }

 private:
  enum class Mode {
    best,   // what the model says
    open,   // nothing is expected to pay, but asking costs nothing: a confident draft may
    probe,  // one token, to learn whether the text has become predictable
    forced  // `forced_` tokens: to measure a pass that was not measured for long, or to earn
  };

  double best_rate(std::uint32_t most, std::uint32_t& depth) const;
  bool renew(std::uint32_t most);
  double loss(std::uint32_t depth) const;
  bool affordable(std::uint32_t depth) const;
  std::uint32_t next_interval(bool accepted) const;
  double value(std::uint32_t depth) const {
    return expected_[depth] - rate_ * costs_.pass(depth + 1);
  }

  StepCosts costs_;
  Acceptance acceptance_;
  double ledger_;  // in plain steps

  // this round
  Mode mode_ = Mode::best;
  std::uint32_t most_ = 0, forced_ = 0, count_ = 0, depth_ = 0;
  double rate_ = 0;                                 // tokens per nanosecond
  double reach_ = 1;                                // probability that all drafted are right
  std::array<double, kMostDrafts + 1> expected_{};  // [depth]: E
  std::array<float, kMostDrafts> confidences_{};

  std::uint32_t since_probe_ = 0, probe_interval_, since_forced_ = 0;
};

}  // namespace gemma4
