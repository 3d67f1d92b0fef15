// The sampler against the plain reading of its definition, and its borders.
#include "decode/sampler.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "decode/plain_sampler.hpp"

namespace gemma4 {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Token pick_once(const std::vector<float>& logits, const SamplingOptions& options,
                std::span<const Token> suppressed = {}, std::uint32_t position = 0,
                std::span<const Token> history = {}) {
  Sampler sampler(static_cast<std::int32_t>(logits.size()));
  sampler.configure(options, suppressed);
  return sampler.pick(logits, position, history);
}

// Logits of several shapes: smooth, peaked, with many ties, with values that must never be chosen.
std::vector<float> random_logits(std::mt19937& random, std::size_t size, int shape) {
  std::normal_distribution<float> normal(0.0f, shape == 1 ? 8.0f : 2.5f);
  std::vector<float> logits(size);
  for (float& logit : logits) {
    logit = normal(random);
    if (shape == 2) logit = std::round(logit);
    if (shape == 3 && random() % 5 == 0) logit = random() % 2 == 0 ? -kInfinity : kNaN;
    if (shape == 4) logit = random() % 3 == 0 ? 0.0f : -0.0f;
  }
  return logits;
}

template <typename T>
T one_of(std::mt19937& random, std::initializer_list<T> values) {
  return values.begin()[random() % values.size()];
}

SamplingOptions random_options(std::mt19937& random, std::int32_t size) {
  SamplingOptions options;
  options.temperature = one_of(random, {0.0f, 0.1f, 0.7f, 1.0f, 1.0f, 2.0f, 2.0f, 50.0f});
  options.top_k = one_of(random, {0, 0, 0, 0, 1, 2, 10, 64, 64, size - 1, size, size + 5});
  options.top_p = one_of(random, {1.0f, 1.0f, 1.0f, 0.0f, 0.3f, 0.9f, 0.95f, 0.9999f});
  options.min_p = one_of(random, {0.0f, 0.0f, 0.0f, 0.0f, 0.01f, 0.1f, 0.5f, 1.0f});
  options.seed = random() * std::uint64_t{0x100000001} + random();
  if (random() % 2 == 0) {
    options.repetition_penalty = one_of(random, {1.0f, 1.3f, 0.8f});
    options.presence_penalty = one_of(random, {0.0f, 0.5f, -0.5f});
    options.frequency_penalty = one_of(random, {0.0f, 0.25f, -0.1f});
    options.penalty_window = one_of(random, {0u, 1u, 7u, 64u, 1000u});
  }
  for (std::uint32_t n = random() % 4; n > 0; --n) {
    const Token token = static_cast<Token>(random() % static_cast<std::uint32_t>(size));
    options.logit_bias.push_back({token, one_of(random, {1.5f, -2.0f, 100.0f, -kInfinity})});
    if (random() % 3 == 0) options.logit_bias.push_back({token, 0.1f});
    if (random() % 3 == 0) options.suppress.push_back(token);
  }
  return options;
}

}  // namespace

TEST_CASE("random options give the choice of the plain definition") {
  std::mt19937 random(11);
  int chosen_first = 0;
  const int rounds = 6000;
  for (int i = 0; i < rounds; ++i) {
    const std::int32_t size = i % 50 == 0 ? 6000 : one_of(random, {1, 2, 17, 100, 999});
    const std::vector<float> logits = random_logits(random, static_cast<std::size_t>(size), i % 5);
    const SamplingOptions options = random_options(random, size);
    REQUIRE_NOTHROW(check_sampling_options(options, size));
    std::vector<Token> history(random() % 200), suppressed(random() % 3);
    for (Token& t : history) t = static_cast<Token>(random() % static_cast<std::uint32_t>(size));
    for (Token& t : suppressed) t = static_cast<Token>(random() % static_cast<std::uint32_t>(size));
    const std::uint32_t position = random();

    const Token expected = plain::pick(logits, options, suppressed, position, history);
    REQUIRE(pick_once(logits, options, suppressed, position, history) == expected);
    SamplingOptions greedy = options;
    greedy.temperature = 0;
    chosen_first += expected == plain::pick(logits, greedy, suppressed, position, history);
  }
  // The comparison would be worth little if the draws did not spread.
  CHECK(rounds - chosen_first > 1000);
}

TEST_CASE("a vocabulary of Gemma's size gives the choice of the plain definition") {
  std::mt19937 random(12);
  const std::size_t size = 262144;
  for (const int shape : {0, 2}) {
    const std::vector<float> logits = random_logits(random, size, shape);
    for (const int top_k : {0, 64, 200000}) {
      for (const float top_p : {1.0f, 0.95f, 0.2f}) {
        SamplingOptions options;
        options.temperature = 1.0f;
        options.top_k = top_k;
        options.top_p = top_p;
        options.seed = random();
        CHECK(pick_once(logits, options, {}, 3) == plain::pick(logits, options, {}, 3, {}));
      }
    }
  }
}

// What remains after top_k, top_p and min_p is visible through many draws: each remaining token is
// chosen at some seed at this temperature, and no other ever is.
TEST_CASE("top_p and min_p keep exactly the defined set, ties at the border included") {
  std::mt19937 random(13);
  for (int i = 0; i < 40; ++i) {
    const std::vector<float> logits = random_logits(random, 12, 2);
    SamplingOptions options;
    options.temperature = 1.7f;
    options.top_k = one_of(random, {0, 5, 9});
    options.top_p = one_of(random, {1.0f, 0.8f, 0.5f});
    options.min_p = one_of(random, {0.0f, 0.1f, 0.3f});
    std::vector<bool> expected(logits.size()), seen(logits.size());
    for (const plain::Scored& s : plain::candidates(logits, options)) {
      expected[static_cast<std::size_t>(s.token)] = true;
    }
    Sampler sampler(12);
    for (options.seed = 0; options.seed < 4000; ++options.seed) {
      sampler.configure(options, {});
      seen[static_cast<std::size_t>(sampler.pick(logits, 9, {}))] = true;
    }
    for (std::size_t t = 0; t < logits.size(); ++t) {
      if (!expected[t]) CHECK_FALSE(seen[t]);
    }
    // A token below the share of 1/400 may stay unseen; all others must appear.
    for (const plain::Scored& s : plain::candidates(logits, options)) {
      if (s.weight > 0.03) CHECK(seen[static_cast<std::size_t>(s.token)]);
    }
  }
}

TEST_CASE("temperature 0 takes the largest logit and the lowest id on ties") {
  CHECK(pick_once({1, 3, 2, 3}, {}) == 1);
  CHECK(pick_once({-5, -kInfinity, -4}, {}) == 2);
  CHECK(pick_once({kNaN, -1, kNaN}, {}) == 1);
  CHECK(pick_once({-0.0f, 0.0f}, {}) == 0);
  CHECK(pick_once({1, kInfinity, 2, kInfinity}, {}) == 1);
  std::vector<float> logits(1000, 1.0f);
  logits[777] = logits[999] = 2.0f;
  CHECK(pick_once(logits, {}) == 777);
}

TEST_CASE("with nothing to choose the choice is token 0, at any temperature") {
  for (const float temperature : {0.0f, 1.0f}) {
    SamplingOptions options;
    options.temperature = temperature;
    options.top_k = 2;
    options.top_p = 0.9f;
    CHECK(pick_once(std::vector<float>(50, -kInfinity), options) == 0);
    CHECK(pick_once(std::vector<float>(50, kNaN), options) == 0);
    options.suppress = {0, 1};
    CHECK(pick_once({1, 2}, options) == 0);
  }
}

TEST_CASE("NaN, -infinity and suppressed tokens are never drawn") {
  SamplingOptions options;
  options.temperature = 30.0f;
  options.suppress = {4};
  options.logit_bias = {{5, -kInfinity}};
  const std::vector<Token> model_list = {6};
  const std::vector<float> logits = {kNaN, 0, -kInfinity, 0.5f, 9, 9, 9, 1};
  for (options.seed = 0; options.seed < 500; ++options.seed) {
    const Token token = pick_once(logits, options, model_list);
    REQUIRE((token == 1 || token == 3 || token == 7));
  }
}

TEST_CASE("infinite and huge logits do not harm the draw") {
  SamplingOptions options;
  options.temperature = 1.0f;
  options.top_p = 0.5f;
  CHECK(pick_once({0, kInfinity, -3e38f}, options) == 1);
  CHECK(pick_once({-3.4e38f, -3.4e38f, -kInfinity}, options) <= 1);
  options.logit_bias = {{1, 3e38f}};
  CHECK(pick_once({0, 3e38f, -kInfinity}, options) == 1);
  options.logit_bias.clear();
  options.temperature = 1e-45f;
  CHECK(pick_once({0, 3e38f, 1}, options) == 1);
}

TEST_CASE("bias and penalties change the logits as documented") {
  SamplingOptions options;
  options.logit_bias = {{2, 1.5f}, {2, 1.0f}};
  CHECK(pick_once({3, 2, 1, 0}, options) == 2);  // 1 + 1.5 + 1 > 3
  options = {};
  options.repetition_penalty = 2.0f;
  const std::vector<Token> history = {3, 0, 0, 1};
  CHECK(pick_once({4, 2.5f, 2.1f, 0}, options, {}, 4, history) == 2);  // 2, 1.25, 2.1, 0
  CHECK(pick_once({-1, -1.5f, -1.9f, -5}, options, {}, 4, history) == 2);
  options = {};
  options.presence_penalty = 1.0f;
  CHECK(pick_once({4, 3.5f, 2.9f, 0}, options, {}, 4, history) == 0);  // 3 2.5 2.9
  options.frequency_penalty = 0.25f;
  CHECK(pick_once({4, 3.5f, 2.6f, 0}, options, {}, 4, history) == 2);  // 2.5 2.25 2.6
  options.penalty_window = 1;
  CHECK(pick_once({4, 3.5f, 2.6f, 0}, options, {}, 4, history) == 0);  // only token 1 counts
  options.penalty_window = 0;
  CHECK(pick_once({4, 3.5f, 2.6f, 0}, options, {}, 4, history) == 2);
}

TEST_CASE("a choice leaves nothing behind that the next one could see") {
  std::mt19937 random(14);
  Sampler used(300);
  for (int i = 0; i < 300; ++i) {
    const std::vector<float> logits = random_logits(random, 300, i % 5);
    const SamplingOptions options = random_options(random, 300);
    std::vector<Token> history(100);
    for (Token& t : history) t = static_cast<Token>(random() % 300);
    used.configure(options, {});
    const Token token = used.pick(logits, 7, history);
    REQUIRE(token == used.pick(logits, 7, history));
    REQUIRE(token == pick_once(logits, options, {}, 7, history));
  }
}

}  // namespace gemma4
