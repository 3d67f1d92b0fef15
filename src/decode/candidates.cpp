#include "decode/candidates.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "decode/philox.hpp"

namespace gemma4 {
namespace {

// Shares of probability are counted in units of 2^-40 of the best token's, so that their sums are
// exact and need no order.
constexpr double kShareUnits = 0x1p40;

bool earlier(Candidate a, Candidate b) { return a.before(b); }

std::uint64_t share(const Softmax& softmax, Candidate candidate) {
  return static_cast<std::uint64_t>(
      static_cast<std::int64_t>(softmax.weight(candidate) * kShareUnits + 0.5));
}

std::uint64_t share(const Softmax& softmax, std::span<const Candidate> list) {
  std::uint64_t sum = 0;
  for (const Candidate candidate : list) sum += share(softmax, candidate);
  return sum;
}

std::size_t gather_all(std::span<const float> logits, std::span<Candidate> list) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    list[count] = Candidate(logits[i], static_cast<Token>(i));
    count += logits[i] > kNever;
  }
  return count;
}

// Leaves the first `count` of the list's order at its front, in no particular order.
void partition_first(std::span<Candidate> list, std::size_t count) {
  std::nth_element(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(count) - 1, list.end(),
                   earlier);
}

std::size_t gather_first(std::span<const float> logits, std::size_t top_k,
                         std::span<Candidate> list) {
  // A buffer somewhat larger than top_k fills with everything above the threshold; when full it is
  // cut to the best top_k and the threshold rises to the last of them. Equal logits that come later
  // have higher ids: they lose, so > is right.
  const std::size_t room = std::min(logits.size(), std::max(2 * top_k, top_k + 1024));
  float threshold = kNever;
  std::size_t count = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] > threshold)) continue;
    list[count++] = Candidate(logits[i], static_cast<Token>(i));
    if (count < room) continue;
    partition_first(list.first(count), top_k);
    count = top_k;
    threshold = list[top_k - 1].logit();
  }
  if (count <= top_k) return count;
  partition_first(list.first(count), top_k);
  return top_k;
}

}  // namespace

Candidate::Candidate(float logit, Token token) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(logit);
  const std::uint32_t ordered = bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
  bits_ =
      std::uint64_t{ordered} << 32 | static_cast<std::uint32_t>(~static_cast<std::uint32_t>(token));
}

float Candidate::logit() const {
  const std::uint32_t ordered = static_cast<std::uint32_t>(bits_ >> 32);
  return std::bit_cast<float>(ordered ^ (ordered >> 31 ? 0x80000000u : 0xffffffffu));
}

std::size_t gather_candidates(std::span<const float> logits, std::size_t top_k,
                              std::span<Candidate> list) {
  return top_k == 0 || top_k >= logits.size() ? gather_all(logits, list)
                                              : gather_first(logits, top_k, list);
}

std::size_t keep_top_p(std::span<Candidate> list, const Softmax& softmax, double top_p) {
  const std::uint64_t total = share(softmax, list);
  const double wanted = top_p * static_cast<double>(total);
  std::uint64_t needed = static_cast<std::uint64_t>(wanted);
  needed += static_cast<double>(needed) < wanted;
  needed = std::clamp<std::uint64_t>(needed, 1, total);

  // Whatever is kept has more than total - needed at and behind it, so it has more than a 1/size
  // part of that. The share is monotonous to within one unit (exp to within an ulp), the logarithm
  // leaves a margin: only certain losers are dropped.
  const double least = static_cast<double>((total - needed) / list.size()) - 2.0;
  if (least > 0.0) {
    const double bound = portable_log(least / kShareUnits) - 1e-9;
    const auto hopeful = [&](Candidate candidate) { return softmax.exponent(candidate) >= bound; };
    list = list.first(
        static_cast<std::size_t>(std::partition(list.begin(), list.end(), hopeful) - list.begin()));
  }

  // Bisection: [0, low) is kept, the end lies in [low, high), `kept` is the share of what is kept.
  std::size_t low = 0, high = list.size();
  std::uint64_t kept = 0;
  while (high - low > 32) {
    const std::size_t half = (high - low) / 2;
    partition_first(list.subspan(low, high - low), half);
    const std::uint64_t upper = share(softmax, list.subspan(low, half));
    if (kept + upper >= needed) {
      high = low + half;
    } else {
      kept += upper;
      low += half;
    }
  }
  std::sort(list.begin() + static_cast<std::ptrdiff_t>(low),
            list.begin() + static_cast<std::ptrdiff_t>(high), earlier);
  while (low < high && kept < needed) kept += share(softmax, list[low++]);
  return low;
}

std::size_t keep_min_p(std::span<Candidate> list, const Softmax& softmax, double min_p) {
  // The logarithm spares the exponential of candidates that are far away; 1e-9 covers all
  // roundings.
  const double bound = portable_log(std::max(min_p, 1e-300)) - 1e-9;
  const auto probable = [&](Candidate candidate) {
    return softmax.exponent(candidate) >= bound && softmax.weight(candidate) >= min_p;
  };
  return static_cast<std::size_t>(std::partition(list.begin(), list.end(), probable) -
                                  list.begin());
}

double uniform_number(std::uint64_t seed, std::uint32_t position, Token token) {
  const PhiloxCounter words =
      philox4x32_10({static_cast<std::uint32_t>(token), position, 0, 0},
                    {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  // 52 bits and a half: exact, never 0 or 1.
  const std::uint64_t bits = (std::uint64_t{words[1]} << 32 | words[0]) >> 12;
  return (static_cast<double>(static_cast<std::int64_t>(bits)) + 0.5) * 0x1p-52;
}

Token draw(std::span<const Candidate> list, const Softmax& softmax, std::uint64_t seed,
           std::uint32_t position) {
  double best_time = std::numeric_limits<double>::infinity();
  Token best = std::numeric_limits<Token>::max();
  for (const Candidate candidate : list) {
    const double u = uniform_number(seed, position, candidate.token());
    const double exponent = softmax.exponent(candidate);
    // Most candidates are too late by far: -log(u) >= 1 - u, and 2^y <= 1 + y between powers of
    // two, which the bits of a double give for nothing. 1e-9 covers all roundings.
    const double scaled = (std::max(exponent, -700.0) * 0x1.71547652b82fep0 + 1023.0) * 0x1p52;
    const double weight_bound =
        std::bit_cast<double>(static_cast<std::int64_t>(scaled)) * (1.0 + 1e-9);
    if (1.0 - u > best_time * weight_bound) continue;
    const double time = -portable_log(u) / portable_exp(exponent);
    if (time < best_time || (time == best_time && candidate.token() < best)) {
      best_time = time;
      best = candidate.token();
    }
  }
  return best;
}

}  // namespace gemma4
