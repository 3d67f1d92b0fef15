// The draw: its distribution, its coupling, its cost in allocations.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <random>

#include "decode/allocation_counter.hpp"
#include "decode/plain_sampler.hpp"
#include "decode/sampler.hpp"

namespace gemma4 {
namespace {

std::vector<float> gaussian(std::uint32_t seed, std::size_t size, float deviation) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> logits(size);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

// Pearson's statistic of `draws` choices, in standard deviations from its mean. `by_position` moves
// the position from draw to draw, otherwise the seed moves.
double chi_square_deviations(const std::vector<float>& logits, SamplingOptions options, int draws,
                             bool by_position) {
  std::map<Token, double> expected;
  double sum = 0;
  for (const plain::Scored& s : plain::candidates(logits, options)) sum += s.weight;
  for (const plain::Scored& s : plain::candidates(logits, options)) {
    expected[s.token] = s.weight / sum * draws;
  }
  std::map<Token, double> found;
  Sampler sampler(static_cast<std::int32_t>(logits.size()));
  for (int i = 0; i < draws; ++i) {
    if (!by_position) ++options.seed;
    if (i == 0 || !by_position) sampler.configure(options, {});
    found[sampler.pick(logits, by_position ? static_cast<std::uint32_t>(i) : 5, {})] += 1;
  }
  double chi_square = 0, rare_expected = 0, rare_found = 0;
  int cells = 0;
  for (const auto& [token, count] : expected) {
    if (count < 10) {  // too few for the statistic: one cell for all of them
      rare_expected += count;
      rare_found += found[token];
      continue;
    }
    chi_square += (found[token] - count) * (found[token] - count) / count;
    ++cells;
  }
  if (rare_expected > 10) {
    chi_square += (rare_found - rare_expected) * (rare_found - rare_expected) / rare_expected;
    ++cells;
  }
  return (chi_square - (cells - 1)) / std::sqrt(2.0 * (cells - 1));
}

}  // namespace

TEST_CASE("draws follow the probabilities, over positions and over seeds") {
  const std::vector<float> logits = gaussian(21, 60, 1.5f);
  for (const bool by_position : {true, false}) {
    SamplingOptions options;
    options.seed = 1234567890123;
    options.temperature = 1.0f;
    CHECK(std::fabs(chi_square_deviations(logits, options, 40000, by_position)) < 4);
    options.temperature = 0.6f;
    options.top_k = 30;
    CHECK(std::fabs(chi_square_deviations(logits, options, 40000, by_position)) < 4);
    options.top_p = 0.8f;
    CHECK(std::fabs(chi_square_deviations(logits, options, 40000, by_position)) < 4);
    options.min_p = 0.1f;
    CHECK(std::fabs(chi_square_deviations(logits, options, 40000, by_position)) < 4);
  }
}

TEST_CASE("the test of the distribution can fail") {
  // Draws at temperature 1 compared with the probabilities at 1.05.
  const std::vector<float> logits = gaussian(22, 40, 1.5f);
  std::vector<float> cooler = logits;
  for (float& logit : cooler) logit /= 1.05f;
  SamplingOptions options;
  options.temperature = 1.0f;
  std::map<Token, int> found;
  Sampler sampler(40);
  sampler.configure(options, {});
  for (std::uint32_t i = 0; i < 100000; ++i) ++found[sampler.pick(logits, i, {})];
  double sum = 0, chi_square = 0;
  const auto list = plain::candidates(cooler, options);
  for (const plain::Scored& s : list) sum += s.weight;
  for (const plain::Scored& s : list) {
    const double expected = s.weight / sum * 100000;
    chi_square += (found[s.token] - expected) * (found[s.token] - expected) / expected;
  }
  CHECK(chi_square > 39 + 6 * std::sqrt(2.0 * 39));
}

TEST_CASE("a token's random number does not depend on the other candidates") {
  // If the winner of a large set is in a smaller set, it wins there too: with its own number,
  // against fewer.
  const std::vector<float> logits = gaussian(23, 5000, 2.0f);
  SamplingOptions few;
  few.temperature = 1.0f;
  few.seed = 99;
  few.top_k = 50;
  std::vector<bool> inside(logits.size());
  for (const plain::Scored& s : plain::candidates(logits, few))
    inside[static_cast<std::size_t>(s.token)] = true;
  SamplingOptions all = few;
  all.top_k = 0;
  Sampler from_all(5000), from_few(5000);
  from_all.configure(all, {});
  from_few.configure(few, {});
  int shared = 0;
  for (std::uint32_t position = 0; position < 2000; ++position) {
    const Token among_all = from_all.pick(logits, position, {});
    if (!inside[static_cast<std::size_t>(among_all)]) continue;
    ++shared;
    REQUIRE(from_few.pick(logits, position, {}) == among_all);
  }
  CHECK(shared > 500);
}

TEST_CASE("a similar distribution mostly draws the same token") {
  const std::vector<float> target = gaussian(24, 300, 2.0f);
  const std::vector<float> noise = gaussian(25, 300, 0.2f);
  std::vector<float> drafter = target;
  for (std::size_t i = 0; i < drafter.size(); ++i) drafter[i] += noise[i];
  SamplingOptions options;
  options.temperature = 1.0f;
  options.seed = 5;
  double p_sum = 0, q_sum = 0, overlap = 0;
  for (std::size_t i = 0; i < target.size(); ++i) {
    p_sum += std::exp(target[i]);
    q_sum += std::exp(drafter[i]);
  }
  for (std::size_t i = 0; i < target.size(); ++i) {
    overlap += std::min(std::exp(target[i]) / p_sum, std::exp(drafter[i]) / q_sum);
  }
  Sampler sampler(300);
  sampler.configure(options, {});
  int equal = 0;
  const int draws = 5000;
  for (std::uint32_t position = 0; position < draws; ++position) {
    equal += sampler.pick(target, position, {}) == sampler.pick(drafter, position, {});
  }
  // An exponential race agrees with probability at least overlap / (2 - overlap); the optimum is
  // overlap.
  CHECK(equal > draws * (overlap / (2 - overlap)) - 4 * std::sqrt(draws * 0.25));
}

TEST_CASE("seed and position both change the draw") {
  const std::vector<float> logits(1000, 0.0f);
  SamplingOptions options;
  options.temperature = 1.0f;
  int equal = 0;
  Sampler sampler(1000);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    options.seed = std::uint64_t{i} << 32;  // the upper half of the seed counts as well
    sampler.configure(options, {});
    const Token token = sampler.pick(logits, i, {});
    equal += token == sampler.pick(logits, i + 1, {});
    ++options.seed;
    sampler.configure(options, {});
    equal += token == sampler.pick(logits, i, {});
  }
  CHECK(equal < 12);  // 2 are expected by chance
}

TEST_CASE("pick does not allocate") {
  const std::vector<float> logits = gaussian(26, 20000, 3.0f);
  std::vector<Token> history(500);
  for (std::size_t i = 0; i < history.size(); ++i) history[i] = static_cast<Token>(i * 7 % 20000);
  Sampler sampler(20000);
  for (const int top_k : {0, 64}) {
    for (const float temperature : {0.0f, 1.0f}) {
      SamplingOptions options;
      options.temperature = temperature;
      options.top_k = top_k;
      options.top_p = 0.95f;
      options.min_p = 0.01f;
      options.repetition_penalty = 1.1f;
      options.logit_bias = {{3, 1.0f}};
      options.suppress = {4, 5};
      sampler.configure(options, {});
      const std::uint64_t before = allocation_count();
      for (std::uint32_t i = 0; i < 20; ++i) (void)sampler.pick(logits, i, history);
      CHECK(allocation_count() == before);
    }
  }
  // The counter counts.
  const std::uint64_t before = allocation_count();
  const std::vector<int> something(100);
  CHECK(allocation_count() > before);
}

TEST_CASE("scratch_bytes covers three arrays of the vocabulary's size") {
  CHECK(Sampler::scratch_bytes(1536) == 1536 * 16);
  CHECK(Sampler::scratch_bytes(262144) == 262144 * 16);
}

}  // namespace gemma4
