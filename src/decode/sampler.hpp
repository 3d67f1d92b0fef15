// The choice of the next token: a pure function of (logits, options, seed, position, earlier tokens).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gemma4/sampling.hpp"

namespace gemma4 {

/// Checks ranges (temperature >= 0 and finite, 0 <= top_p <= 1, ids inside the vocabulary, penalties > 0 where they divide ...).
/// Throws Error(invalid_argument) naming option, expected and found.
void check_sampling_options(const SamplingOptions& options, std::int32_t vocabulary_size);

/// Holds scratch memory only: two Samplers give the same choice for the same inputs. pick() does not allocate.
class Sampler {
 public:
  explicit Sampler(std::int32_t vocabulary_size);

  /// Takes over checked options; `suppressed` is the model's own list. May allocate; call once per generation.
  void configure(const SamplingOptions& options, std::span<const Token> suppressed);

  /// `logits` [vocabulary] soft-capped, left unchanged; `position`: the absolute position the chosen token will have;
  /// `history`: all tokens before it. NaN logits are never chosen; if nothing can be chosen, token 0.
  Token pick(std::span<const float> logits, std::uint32_t position, std::span<const Token> history);

  /// Bytes that a Sampler of this vocabulary takes, for the memory plan.
  static std::uint64_t scratch_bytes(std::int32_t vocabulary_size);
};

}  // namespace gemma4
