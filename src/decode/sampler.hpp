// The choice of the next token: a pure function of (logits, options, seed, position, history).
//
// The definition. Every operation is IEEE arithmetic with one rounding, so the choice is the same
// on every machine.
//  1. A NaN logit becomes -infinity, +infinity the largest float. Tokens that are suppressed, by
//     the options or by the model, get -infinity. The biases are added one after another, each sum
//     rounded to float.
//  2. A token that occurs c > 0 times in the last `penalty_window` tokens of the history (0: in all
//     of it): its logit, in double, is divided by repetition_penalty if positive and multiplied by
//     it otherwise; presence_penalty and then c * frequency_penalty are subtracted; the result is
//     rounded to float.
//  3. Candidates are the tokens whose logit is not -infinity, ordered by logit from high to low,
//     then by id from low to high. If there is none, token 0 is chosen. At temperature 0 the first
//     candidate is chosen.
//  4. The first top_k remain (0: all).
//  5. A candidate's weight, in double, is w = portable_exp((logit - highest logit) / temperature).
//     With top_p < 1 its share is the integer floor(w 2^40 + 1/2), and the shortest leading part
//     remains whose sum of shares reaches top_p times the sum of all shares (as double; rounded up
//     to an integer, at least 1).
//  6. With min_p > 0: those remain whose weight is at least min_p.
//  7. u = (n + 1/2) 2^-52, where n is the upper 52 bits of the first two words (the second one is
//     the higher) of Philox4x32-10 for the counter (token, position, 0, 0) under the key (low half
//     of the seed, high half). The candidate with the smallest -portable_log(u) / w is chosen, the
//     lowest id on ties: an exponential race, which each token wins with its probability.
// A token's u does not depend on the candidates. So a drafter that draws from a similar
// distribution with the same seed mostly draws the token that the model will draw.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/buffer.hpp"
#include "decode/candidates.hpp"
#include "gemma4/sampling.hpp"

namespace gemma4 {

/// Whether tokens of the history change their own logits.
inline bool has_penalties(const SamplingOptions& options) {
  return options.repetition_penalty != 1.0f || options.presence_penalty != 0.0f ||
         options.frequency_penalty != 0.0f;
}

/// Whether the token with the largest logit is chosen, but for suppressed ones.
inline bool takes_largest(const SamplingOptions& options) {
  return options.temperature == 0.0f && options.logit_bias.empty() && !has_penalties(options);
}

/// Checks ranges (temperature >= 0 and finite, 0 <= top_p <= 1, ids inside the vocabulary,
/// penalties > 0 where they divide ...). Throws Error(invalid_argument) naming option, expected and
/// found.
void check_sampling_options(const SamplingOptions& options, std::int32_t vocabulary_size);

/// Holds scratch memory only: two Samplers give the same choice for the same inputs. pick() does
/// not allocate.
class Sampler {
 public:
  explicit Sampler(std::int32_t vocabulary_size, AllocatorPtr allocator = nullptr);

  /// Takes over checked options; `suppressed` is the model's own list. May allocate; call once per
  /// generation.
  void configure(const SamplingOptions& options, std::span<const Token> suppressed);
  const SamplingOptions& options() const { return options_; }

  /// `logits` [vocabulary] soft-capped, left unchanged; `position`: the absolute position the
  /// chosen token will have; `history`: all tokens before it. NaN logits are never chosen; if
  /// nothing can be chosen, token 0.
  Token pick(std::span<const float> logits, std::uint32_t position, std::span<const Token> history);

  /// Bytes that a Sampler of this vocabulary takes, for the memory plan.
  static std::uint64_t scratch_bytes(std::int32_t vocabulary_size);

 private:
  struct Scratch {
    std::span<float> logits;          // after steps 1 and 2
    std::span<std::uint32_t> counts;  // per token; all zero between calls
    std::span<Candidate> candidates;
  };
  static Scratch carve(Carver& carver, std::int32_t vocabulary_size);
  void adjust(std::span<const float> logits, std::span<const Token> history);
  void penalise(std::span<const Token> recent);

  SamplingOptions options_;
  std::vector<Token> suppressed_;  // the model's list and the options'
  Buffer memory_;
  Scratch scratch_;
};

}  // namespace gemma4
