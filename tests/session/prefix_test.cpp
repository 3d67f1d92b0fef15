// Prompts that begin alike: reused rows are the rows that would have been computed.
#include <doctest/doctest.h>

#include <thread>

#include "session/refusals.hpp"
#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

constexpr std::uint64_t kPlenty = 64u << 20;

std::vector<Token> text(std::size_t shared, std::size_t length, std::uint32_t seed) {
  std::vector<Token> tokens = random_tokens(shared);
  const std::vector<Token> own = random_tokens(length, seed);
  tokens.insert(tokens.end(), own.begin(), own.end());
  return tokens;
}

// The logits after the last token, evaluated without a cache.
std::vector<float> plain_logits(const Model& plain, KvType kv, const std::vector<Token>& tokens) {
  Session session(plain, session_options(kv, 0, 4096));
  session.append_tokens(tokens);
  const std::span<const float> logits = session.logits();
  return {logits.begin(), logits.end()};
}

}  // namespace

TEST_CASE("a prompt that begins like another takes its rows and gets the same bits") {
  const Model plain = load_tiny();
  for (const KvType kv : {KvType::f16, KvType::f32, KvType::q8_0}) {
    for (const std::size_t shared : {63, 64, 65, 127, 128, 129, 256, 700}) {
      CAPTURE(shared);
      const Model model = load_with_prefixes(kPlenty);
      Session first(model, session_options(kv, 32));
      first.append_tokens(text(shared, 0, 1));
      (void)first.logits();
      CHECK(first.statistics().reused_tokens == 0);
      for (const std::uint32_t seed : {5u, 6u}) {
        const std::vector<Token> tokens = text(shared, 150, seed);
        Session second(model, session_options(kv, 48));
        second.append_tokens(tokens);
        CHECK(same_bits(second.logits(), plain_logits(plain, kv, tokens)));
        // all whole chunks of what is equal: the own part begins with the same token
        CHECK(second.statistics().reused_tokens == (shared + 1) / 64 * 64);
        CHECK(second.statistics().prefill_tokens ==
              tokens.size() - second.statistics().reused_tokens);
        // and on: over the window, back, and on again
        const std::vector<Token> more = random_tokens(100, 9);
        std::vector<Token> all = tokens;
        all.insert(all.end(), more.begin(), more.end());
        second.append_tokens(more);
        CHECK(same_bits(second.logits(), plain_logits(plain, kv, all)));
        second.rewind(static_cast<std::uint32_t>(tokens.size()));
        CHECK(same_bits(second.logits(), plain_logits(plain, kv, tokens)));
      }
      // what the first has shared it may still change
      first.rewind(static_cast<std::uint32_t>(shared / 2));
      const std::vector<Token> other = random_tokens(100, 8);
      std::vector<Token> all = text(shared, 0, 1);
      all.resize(shared / 2);
      all.insert(all.end(), other.begin(), other.end());
      first.append_tokens(other);
      CHECK(same_bits(first.logits(), plain_logits(plain, kv, all)));
      Session third(model, session_options(kv));
      third.append_tokens(text(shared, 150, 5));
      CHECK(same_bits(third.logits(), plain_logits(plain, kv, text(shared, 150, 5))));
    }
  }
}

TEST_CASE("the same prompt again evaluates its last chunk only, rows of another type all") {
  const Model model = load_with_prefixes(kPlenty);
  const std::vector<Token> tokens = random_tokens(640);
  std::vector<float> logits;
  for (const std::uint32_t reused : {0u, 576u, 576u}) {
    Session session(model, session_options());
    session.append_tokens(tokens);
    std::uint32_t done = 0;
    session.prefill([&](std::uint32_t now, std::uint32_t total) {
      CHECK(total == 640 - reused);
      done = now;
      return true;
    });
    CHECK(done == 640 - reused);
    if (logits.empty()) logits.assign(session.logits().begin(), session.logits().end());
    CHECK(same_bits(session.logits(), logits));
    CHECK(session.statistics().reused_tokens == reused);
  }
  Session wide(model, session_options(KvType::f32));
  wide.append_tokens(tokens);
  (void)wide.logits();
  CHECK(wide.statistics().reused_tokens == 0);
  const PrefixStatistics statistics = model.prefix_statistics();
  CHECK(statistics.lookups == 4);
  CHECK(statistics.hits == 2);
  CHECK(statistics.reused_tokens == 2 * 576);
  CHECK(statistics.held_tokens == 2 * 640);
  CHECK(statistics.held_bytes <= statistics.budget_bytes);
  CHECK(statistics.evicted_tokens == 0);
  CHECK(load_tiny().prefix_statistics().budget_bytes == 0);
}

TEST_CASE("conversations share their instructions, and their past when they go on") {
  const Model model = load_with_prefixes(kPlenty, 2, tiny_assistant_path()),
              plain = load_tiny_pair();
  std::string rules;
  for (int i = 0; i < 30; ++i) rules += "Answer briefly and be kind to everybody. ";
  GenerateOptions options;
  options.max_tokens = 80;
  const auto ask = [&](const Model& asked, const char* question) {
    auto session = std::make_unique<Session>(asked, session_options());
    session->append(Chat{}.system(rules).user(question));
    for (const Event& event : session->generate(options)) (void)event;
    return session;
  };
  const auto first = ask(model, "What is the capital of Japan? Tell me all that you know of it."),
             second = ask(model, "Name the planets of the sun and the moons of each of them.");
  CHECK(first->statistics().reused_tokens == 0);
  CHECK(second->statistics().reused_tokens >= 64);
  CHECK(tokens_of(*second) ==
        tokens_of(*ask(plain, "Name the planets of the sun and the moons of each of them.")));
  // another session takes the conversation over, the answer included
  Session other(model, session_options()), alone(plain, session_options());
  for (Session* session : {&other, &alone}) {
    session->append_tokens(second->tokens());
    session->append(Chat{}.user("And the stars?"));
  }
  CHECK(same_bits(other.logits(), alone.logits()));
  CHECK(other.statistics().reused_tokens + 64 + 1 >= second->position());
}

TEST_CASE("a rewind beyond the window resumes at a kept end") {
  const Model model = load_with_prefixes(kPlenty), plain = load_tiny();
  const std::vector<Token> tokens = random_tokens(3000);
  Session session(model, session_options(KvType::f16, 0, 4096));
  session.append_tokens(tokens);
  (void)session.logits();
  CHECK(session.rewind(1500) == 1500);
  CHECK(same_bits(session.logits(),
                  plain_logits(plain, KvType::f16, {tokens.begin(), tokens.begin() + 1500})));
  const std::uint64_t reused = session.statistics().reused_tokens;
  CHECK(reused >= 1024);  // or later, where a turn happens to end among the random tokens
  CHECK(session.statistics().prefill_tokens == 3000 + 1500 - reused);
}

TEST_CASE("the budget is kept, and the oldest goes first") {
  const Model measure = load_with_prefixes(kPlenty);
  Session one(measure, session_options());
  one.append_tokens(random_tokens(512));
  (void)one.logits();
  const std::uint64_t bytes = measure.prefix_statistics().held_bytes;
  REQUIRE(bytes > 100'000);

  const Model model = load_with_prefixes(2 * bytes + bytes / 2);
  const auto reused = [&](std::uint32_t seed) {
    Session session(model, session_options());
    session.append_tokens(random_tokens(512, seed));
    (void)session.logits();
    const PrefixStatistics statistics = model.prefix_statistics();
    CHECK(statistics.held_bytes <= statistics.budget_bytes);
    return session.statistics().reused_tokens;
  };
  CHECK(reused(1) == 0);
  CHECK(reused(2) == 0);
  CHECK(reused(1) == 448);
  CHECK(reused(3) == 0);  // in place of the second
  CHECK(reused(1) == 448);
  CHECK(reused(3) == 448);
  CHECK(reused(2) < 448);
  CHECK(model.prefix_statistics().evicted_tokens > 0);

  const Model tiny = load_with_prefixes(1);
  Session nothing(tiny, session_options());
  nothing.append_tokens(random_tokens(512));
  (void)nothing.logits();
  CHECK(tiny.prefix_statistics().held_bytes == 0);
  CHECK(model.plan().prefix_cache_bytes == 2 * bytes + bytes / 2);
}

TEST_CASE("8 sessions on 4 threads share prefixes and forks") {
  const Model model = load_with_prefixes(3u << 20, 2), plain = load_tiny(1);
  std::vector<std::vector<Token>> prompts;
  std::vector<std::vector<float>> expected;
  for (std::uint32_t i = 0; i < 8; ++i) {
    prompts.push_back(text(64 * (i % 3 + 1), 100 + 10 * i, i % 5 + 10));
    expected.push_back(plain_logits(plain, KvType::f16, prompts.back()));
  }
  bool wrong[4] = {};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t round = 0; round < 6; ++round) {
        Session a(model, session_options(KvType::f16, 64)), b(model, session_options());
        const std::size_t i = (2 * t + round) % 8, k = (2 * t + 1 + 3 * round) % 8;
        a.append_tokens(prompts[i]);
        b.append_tokens(prompts[k]);
        wrong[t] =
            wrong[t] || !same_bits(a.logits(), expected[i]) || !same_bits(b.logits(), expected[k]);
        Session fork = a.fork();
        a.rewind(70);
        a.append_tokens(random_tokens(80, static_cast<std::uint32_t>(round)));
        (void)a.logits();
        wrong[t] = wrong[t] || !same_bits(fork.logits(), expected[i]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const bool one : wrong) CHECK_FALSE(one);
  CHECK(model.prefix_statistics().reused_tokens > 0);
}

}  // namespace gemma4
