// Lists of tokens that may be chosen, and the rules that shorten them. The definition stands in
// sampler.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "decode/portable_math.hpp"
#include "gemma4/tokenizer.hpp"

namespace gemma4 {

/// The logit of a token that is not to be chosen.
constexpr float kNever = -std::numeric_limits<float>::infinity();

/// A token with its logit as one number: the larger number is the earlier candidate (higher logit,
/// then lower id). The logit is finite and not -0.
class Candidate {
 public:
  Candidate() = default;
  Candidate(float logit, Token token);
  float logit() const;
  Token token() const { return static_cast<Token>(~static_cast<std::uint32_t>(bits_)); }
  bool before(Candidate other) const { return bits_ > other.bits_; }

 private:
  std::uint64_t bits_;  // the logit's bits made to order like integers, and the inverted id
};

/// Weights in proportion to the softmax at a temperature; the best logit has weight 1.
struct Softmax {
  double best_logit;
  double temperature;  ///< > 0
  double exponent(Candidate candidate) const {
    return (static_cast<double>(candidate.logit()) - best_logit) / temperature;
  }
  double weight(Candidate candidate) const { return portable_exp(exponent(candidate)); }
};

/// Writes the first `top_k` (0: all) finite logits to the front of `list`, which has room for all,
/// in no particular order; returns how many.
std::size_t gather_candidates(std::span<const float> logits, std::size_t top_k,
                              std::span<Candidate> list);

/// Brings the smallest leading set whose weight reaches the share `top_p` < 1 of the list's to the
/// front; returns its size.
std::size_t keep_top_p(std::span<Candidate> list, const Softmax& softmax, double top_p);

/// Brings the candidates with weight >= `min_p` to the front; returns how many.
std::size_t keep_min_p(std::span<Candidate> list, const Softmax& softmax, double min_p);

/// Draws one of the (at least one) candidates with probability in proportion to its weight, by an
/// exponential race.
Token draw(std::span<const Candidate> list, const Softmax& softmax, std::uint64_t seed,
           std::uint32_t position);

/// The uniform number in (0, 1) that a token draws at a position.
double uniform_number(std::uint64_t seed, std::uint32_t position, Token token);

}  // namespace gemma4
