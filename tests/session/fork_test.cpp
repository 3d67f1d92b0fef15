// Forks and rewinds: rows are shared, and nobody can tell.
#include <doctest/doctest.h>

#include "session/refusals.hpp"
#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

// Around the window, which is as long as a page, and where the ring has come round.
constexpr std::size_t kLengths[] = {
    1,           kWindow - 1,     kWindow,     kWindow + 1,    2 * kWindow - 1,
    2 * kWindow, 2 * kWindow + 1, 4 * kWindow, 9 * kWindow + 3};

std::vector<Token> joined(std::span<const Token> a, std::span<const Token> b) {
  std::vector<Token> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

// The logits after the tokens behind the first `from`, evaluated alone.
LogitRows alone(const Model& model, KvType kv, const std::vector<Token>& tokens, std::size_t from) {
  Session session(model, session_options(kv));
  LogitRows all = prefill_rows(session, tokens);
  all.values.erase(all.values.begin(),
                   all.values.begin() + static_cast<std::ptrdiff_t>(from * all.width));
  return all;
}

}  // namespace

TEST_CASE("a fork and its parent go on as if each were alone") {
  const Model model = load_tiny();
  const std::vector<Token> ours = random_tokens(150, 2), theirs = random_tokens(150, 3);
  for (const KvType kv : {KvType::f16, KvType::f32, KvType::q8_0}) {
    for (const std::size_t length : kLengths) {
      CAPTURE(length);
      const std::vector<Token> start = random_tokens(length);
      auto parent = std::make_unique<Session>(model, session_options(kv, 64));
      const LogitRows rows = prefill_rows(*parent, start);
      Session fork = parent->fork();
      CHECK(tokens_of(fork) == start);
      // in turn, so that each would see what the other writes
      const LogitRows expected_ours = alone(model, kv, joined(start, ours), length),
                      expected_theirs = alone(model, kv, joined(start, theirs), length);
      for (std::size_t i = 0; i < 150; i += 50) {
        const LogitRows a = prefill_rows(*parent, std::span(ours).subspan(i, 50));
        CHECK(first_difference(expected_ours, a, i) == -1);
        if (i == 50) parent->rewind(static_cast<std::uint32_t>(length + i + 50));
        const LogitRows b = stepwise_rows(fork, std::span(theirs).subspan(i, 50));
        CHECK(first_difference(expected_theirs, b, i) == -1);
      }
      Session again = fork.fork();
      parent.reset();
      CHECK(same_bits(again.logits(), expected_theirs.row(149)));
      again.rewind(static_cast<std::uint32_t>(length));
      CHECK(same_bits(again.logits(), rows.row(length - 1)));
      CHECK(first_difference(expected_ours, prefill_rows(again, ours)) == -1);
      CHECK(same_bits(fork.logits(), expected_theirs.row(149)));
    }
  }
}

TEST_CASE("a fork has the last logits and needs no pass for them") {
  const Model model = load_tiny();
  Session session(model, session_options());
  session.append_tokens(random_tokens(100));
  const std::span<const float> logits = session.logits();
  Session fork = session.fork();
  CHECK(same_bits(fork.logits(), logits));
  CHECK(fork.statistics().prefill_tokens == 0);
  CHECK(fork.statistics().target_steps == 0);
}

TEST_CASE("forks draft like their parents and write the same text") {
  const Model model = load_tiny_pair();
  SamplingOptions sampling;
  sampling.temperature = 0.8f;
  sampling.repetition_penalty = 1.1f;
  sampling.seed = 11;
  for (const Speculation& speculation :
       {Speculation::off(), Speculation::automatic(), Speculation::fixed(3).by(DrafterKind::mtp)}) {
    Session session(model, with(speculation, session_options()));
    session.append_text("Once upon a time");
    while (session.position() < 3 * kWindow) {
      Session fork = session.fork();
      for (int i = 0; i < 21; ++i) (void)session.decode_step(sampling);
      for (int i = 0; i < 21; ++i) (void)fork.decode_step(sampling);
      REQUIRE(tokens_of(fork) == tokens_of(session));
      REQUIRE(same_bits(fork.logits(), session.logits()));
    }
    if (speculation.depth == 3) CHECK(session.statistics().accepted > 0);
  }
}

TEST_CASE("a fork leaves the caller's drafter with the parent") {
  const Model model = load_tiny();
  const auto drafter = std::make_shared<OracleDrafter>(std::vector<Token>{}, 1.0);
  Session session(model, with(Speculation::fixed(2).by(drafter), session_options()));
  session.append_tokens(random_tokens(10));
  Session fork = session.fork();
  for (int i = 0; i < 5; ++i) (void)fork.decode_step();
  CHECK(drafter->proposals == 0);
  for (int i = 0; i < 5; ++i) (void)session.decode_step();
  CHECK(drafter->proposals > 0);
  CHECK(tokens_of(fork) == tokens_of(session));
}

TEST_CASE("a running generation is not forked") {
  const Model model = load_tiny();
  Session session(model, session_options());
  session.append_text("Once upon a time");
  {
    Generation generation = session.generate();
    REQUIRE(generation.next() != nullptr);
    CHECK_REFUSED((void)session.fork(), "invalid_argument", "fork", "generation");
  }
  CHECK_NOTHROW((void)session.fork());
}

TEST_CASE("rewind says what is evaluated again, and earliest_rewind where that begins") {
  const Model model = load_tiny();
  const std::vector<Token> tokens = random_tokens(900);
  for (const std::size_t length : kLengths) {
    CAPTURE(length);
    Session session(model, session_options(KvType::f16, 16));
    const LogitRows rows = prefill_rows(session, std::span(tokens).first(length));
    const std::uint32_t earliest = session.earliest_rewind();
    if (length <= 2 * kWindow) CHECK(earliest == 0);
    if (earliest > 0) CHECK(length - earliest >= 64);
    for (const std::uint32_t position :
         {static_cast<std::uint32_t>(length), earliest, earliest / 2}) {
      CAPTURE(position);
      if (position > session.position()) continue;
      const std::uint64_t before = session.statistics().prefill_tokens;
      const bool kept = position >= session.earliest_rewind();
      CHECK(session.rewind(position) == (kept ? 0 : position));
      if (position == 0) continue;
      CHECK(same_bits(session.logits(), rows.row(position - 1)));
      CHECK(session.statistics().prefill_tokens - before == (kept ? 0 : position));
    }
  }
}

}  // namespace gemma4
