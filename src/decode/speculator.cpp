#include "decode/speculator.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace gemma4 {

/// Collects a draft up to what is wanted, and up to the first token that cannot be.
class Speculator::Sink final : public DraftSink {
 public:
  Sink(Speculator& owner, std::uint32_t most) : owner_(owner), most_(most) {}

  bool add(Token token, float confidence) override {
    if (ended_) return false;
    ended_ = token < 0 || static_cast<std::uint32_t>(token) >= owner_.vocabulary_;
    if (ended_) return false;
    owner_.tokens_[owner_.count_++] = token;
    // outside 0 ... 1, and not a number
    if (!(confidence >= 0.0f && confidence <= 1.0f)) confidence = kUnknownConfidence;
    const bool more = !owner_.controller_ || owner_.controller_->drafted(confidence);
    ended_ = owner_.count_ == most_ || !more;
    return !ended_;
  }

 private:
  Speculator& owner_;
  std::uint32_t most_;
  bool ended_ = false;
};

Speculator::Speculator(std::shared_ptr<Drafter> drafter, std::int32_t depth,
                       std::uint32_t vocabulary, Statistics& statistics)
    : drafter_(depth == 0 ? nullptr : std::move(drafter)),
      depth_(depth > 0 ? static_cast<std::uint32_t>(depth) : kMostDrafts),
      vocabulary_(vocabulary),
      statistics_(statistics) {
  if (drafter_ && depth < 0) controller_.emplace();
}

std::span<const Token> Speculator::draft(std::span<const Token> tokens,
                                         const SamplingOptions& sampling, std::uint32_t most) {
  abandon();
  count_ = accepted_ = 0;
  most = drafter_ ? std::min(most, depth_) : 0;
  if (controller_) most = controller_->plan(most);
  if (most > 0) ask(tokens, sampling, most);
  if (controller_) count_ = controller_->settle();
  return std::span(tokens_).first(count_);
}

void Speculator::ask(std::span<const Token> tokens, const SamplingOptions& sampling,
                     std::uint32_t most) {
  const auto begin = std::chrono::steady_clock::now();
  tell();
  Sink sink(*this, most);
  drafter_->propose({tokens, sampling, static_cast<std::uint32_t>(tokens.size()), most}, sink);
  const auto ns = static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
  statistics_.draft_ns += ns;
  statistics_.decode_ns += ns;
  if (controller_) controller_->draft_took(count_, ns);
}

void Speculator::tell() {
  if (std::exchange(verdict_due_, false)) drafter_->verified(verdict_);
  if (const auto position = std::exchange(rewound_to_, std::nullopt)) drafter_->rewound(*position);
}

void Speculator::passed(std::uint64_t ns, bool alone) {
  ++statistics_.target_steps;
  ++statistics_.decode_tokens;
  ++statistics_.depths[count_];
  statistics_.drafted += count_;
  for (std::uint32_t i = 0; i < count_; ++i) ++statistics_.offered_at[i];
  if (count_ > 0) statistics_.verify_ns += ns;
  if (controller_ && alone) controller_->pass_took(count_ + 1, ns);
  open_ = true;
  if (count_ == 0) close(false);
}

bool Speculator::chosen(Token token) {
  if (!open_) return false;
  const bool right = token == tokens_[accepted_];
  if (right) {
    ++statistics_.decode_tokens;
    ++statistics_.accepted;
    ++statistics_.accepted_at[accepted_++];
  }
  if (!right || accepted_ == count_) close(!right);
  return right;
}

void Speculator::rewound(std::uint32_t position) {
  abandon();
  rewound_to_ = std::min(position, rewound_to_.value_or(position));
}

void Speculator::close(bool rejected) {
  if (!open_) return;
  open_ = false;
  if (controller_) controller_->judged(accepted_, rejected);
  if (count_ == 0) return;
  verdict_ = {std::span(tokens_).first(count_), accepted_, rejected};
  verdict_due_ = true;
}

}  // namespace gemma4
