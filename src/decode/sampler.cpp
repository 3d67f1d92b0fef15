#include "decode/sampler.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace gemma4 {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

// Step 1's clean-up; adding zero turns -0 into +0, so that equal logits have equal bits.
float clean(float logit) {
  const float above = logit > kLargest ? kLargest : kNever;  // +infinity, or NaN
  return logit <= kLargest ? logit + 0.0f : above;
}

// The highest logit and, of several, the lowest id; 0 if all are -infinity.
Token first_candidate(std::span<const float> logits) {
  constexpr std::size_t kLanes =
      16;  // independent maxima, which compilers turn into vector instructions
  float highest[kLanes];
  std::fill_n(highest, kLanes, kNever);
  const std::size_t whole = logits.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      highest[lane] = logits[i + lane] > highest[lane] ? logits[i + lane] : highest[lane];
    }
  }
  for (std::size_t i = whole; i < logits.size(); ++i) highest[0] = std::max(highest[0], logits[i]);
  const float best = *std::max_element(highest, highest + kLanes);
  return best == kNever
             ? 0
             : static_cast<Token>(std::find(logits.begin(), logits.end(), best) - logits.begin());
}

}  // namespace

Sampler::Sampler(std::int32_t vocabulary_size, AllocatorPtr allocator)
    : memory_(scratch_bytes(vocabulary_size), std::move(allocator)) {
  Carver carver(memory_.data());
  scratch_ = carve(carver, vocabulary_size);
}

std::uint64_t Sampler::scratch_bytes(std::int32_t vocabulary_size) {
  Carver plan;
  carve(plan, vocabulary_size);
  return plan.used_bytes();
}

Sampler::Scratch Sampler::carve(Carver& carver, std::int32_t vocabulary_size) {
  const std::uint64_t tokens = static_cast<std::uint64_t>(vocabulary_size);
  Scratch scratch;
  scratch.logits = carver.take<float>(tokens);
  scratch.counts = carver.take<std::uint32_t>(tokens);
  scratch.candidates = carver.take<Candidate>(tokens);
  return scratch;
}

void Sampler::configure(const SamplingOptions& options, std::span<const Token> suppressed) {
  options_ = options;
  suppressed_.assign(suppressed.begin(), suppressed.end());
  suppressed_.insert(suppressed_.end(), options.suppress.begin(), options.suppress.end());
}

Token Sampler::pick(std::span<const float> logits, std::uint32_t position,
                    std::span<const Token> history) {
  if (takes_largest(options_)) {
    // Only infinities and suppressed tokens tell these logits from adjusted ones: -0 and 0 compare
    // equal, and NaN loses every comparison. So the best is found without a copy, nearly always.
    const Token best = first_candidate(logits);
    const float logit = logits[static_cast<std::size_t>(best)];
    if (logit >= -kLargest && logit <= kLargest &&
        std::find(suppressed_.begin(), suppressed_.end(), best) == suppressed_.end())
      return best;
  }
  adjust(logits, history);
  const Token first = first_candidate(scratch_.logits);
  const float highest = scratch_.logits[static_cast<std::size_t>(first)];
  if (options_.temperature == 0.0f || highest == kNever) return first;

  const Softmax softmax{highest, options_.temperature};
  std::span<Candidate> list = scratch_.candidates;
  list = list.first(
      gather_candidates(scratch_.logits, static_cast<std::size_t>(options_.top_k), list));
  if (options_.top_p < 1.0f) list = list.first(keep_top_p(list, softmax, options_.top_p));
  if (options_.min_p > 0.0f) list = list.first(keep_min_p(list, softmax, options_.min_p));
  return draw(list, softmax, options_.seed, position);
}

// Steps 1 and 2. The logits belong to the caller, who may want them unchanged: they are copied,
// which costs a small part of reading them from a matrix product.
void Sampler::adjust(std::span<const float> logits, std::span<const Token> history) {
  std::transform(logits.begin(), logits.end(), scratch_.logits.begin(), clean);
  for (const Token token : suppressed_) scratch_.logits[static_cast<std::size_t>(token)] = kNever;
  for (const LogitBias& bias : options_.logit_bias) {
    float& logit = scratch_.logits[static_cast<std::size_t>(bias.token)];
    logit = clean(logit + bias.bias);
  }
  if (!has_penalties(options_)) return;
  const std::size_t window =
      options_.penalty_window == 0 ? history.size() : options_.penalty_window;
  penalise(history.last(std::min(window, history.size())));
}

void Sampler::penalise(std::span<const Token> recent) {
  for (const Token token : recent) ++scratch_.counts[static_cast<std::size_t>(token)];
  for (const Token token : recent) {
    // A token's first visit takes the whole penalty and leaves its count at zero, for the next call
    // too.
    std::uint32_t& count = scratch_.counts[static_cast<std::size_t>(token)];
    if (count == 0) continue;
    double logit = scratch_.logits[static_cast<std::size_t>(token)];
    const double repetition = options_.repetition_penalty;
    logit = logit > 0.0 ? logit / repetition : logit * repetition;
    logit -= options_.presence_penalty;
    logit -= static_cast<double>(count) * static_cast<double>(options_.frequency_penalty);
    scratch_.logits[static_cast<std::size_t>(token)] = clean(static_cast<float>(logit));
    count = 0;
  }
}

}  // namespace gemma4
