// Drafts change speed and nothing else: tokens and logits have the bits of plain decoding.
#include <doctest/doctest.h>

#include <map>

#include "session/plain_text.hpp"

namespace gemma4 {
namespace {

using namespace testing;

constexpr std::uint32_t kPrompt = 40, kText = 240;  // the window of 64 is crossed many times

/// Writes the whole text with drafts: the first position that differs, or -1.
int first_difference(Session& session, const PlainText& plain, const SamplingOptions& sampling) {
  session.append_tokens(std::span(plain.tokens).first(kPrompt));
  return first_difference(session, plain, plain.tokens.size(), sampling);
}

std::map<std::string, SamplingOptions> samplings() {
  std::map<std::string, SamplingOptions> list;
  list["greedy"] = {};
  SamplingOptions& warm = list["0.7, top_k, top_p"];
  warm.temperature = 0.7f;
  warm.top_k = 40;
  warm.top_p = 0.9f;
  warm.seed = 5;
  SamplingOptions& hot = list["1.0, min_p, penalties, bias"];
  hot.temperature = 1.0f;
  hot.min_p = 0.02f;
  hot.repetition_penalty = 1.2f;
  hot.presence_penalty = 0.3f;
  hot.frequency_penalty = 0.1f;
  hot.logit_bias = {{700, 3.0f}, {301, -2.0f}};
  hot.suppress = {1428, 25};
  hot.seed = 6;
  SamplingOptions& greedy = list["greedy, penalties over all"];
  greedy.frequency_penalty = 0.4f;
  greedy.penalty_window = 0;
  return list;
}

Speculation depth(int k) {
  return k == 0 ? Speculation::automatic() : Speculation::fixed(static_cast<std::uint32_t>(k));
}

}  // namespace

TEST_CASE("every drafter at every depth gives the tokens and logits of plain decoding") {
  const Model model = load_tiny_pair();
  for (const auto& [label, sampling] : samplings()) {
    const std::string name = label;
    CAPTURE(name);
    const PlainText plain = plain_text(model, kPrompt, kText, sampling);
    for (int k = 0; k <= 7; ++k) {  // 0: automatic
      CAPTURE(k);
      for (const DrafterKind kind :
           {DrafterKind::ngram, DrafterKind::mtp, DrafterKind::automatic}) {
        CAPTURE(static_cast<int>(kind));
        Session session(model, with(depth(k).by(kind), session_options()));
        CHECK(first_difference(session, plain, sampling) == -1);
        if (k == 0 || kind == DrafterKind::ngram) continue;
        CHECK(session.statistics().drafted > kText / 4);
        CHECK(session.statistics().accepted > 0);
      }
      for (const double right : {1.0, 0.8, 0.4, 0.0}) {
        CAPTURE(right);
        const auto oracle = std::make_shared<OracleDrafter>(plain.tokens, right);
        Session session(model, with(depth(k).by(oracle), session_options()));
        CHECK(first_difference(session, plain, sampling) == -1);
        if (k == 0) continue;
        CHECK(oracle->proposals > 0);
        if (right == 1.0) CHECK(session.statistics().accepted == session.statistics().drafted);
        if (right == 0.0) CHECK(session.statistics().accepted == 0);
        CHECK(session.statistics().drafted > kText / 4);
      }
    }
  }
}

TEST_CASE("several seeds and number of threads, prompts in pieces: speculation keeps the bits") {
  SamplingOptions sampling;
  sampling.temperature = 1.0f;
  sampling.top_k = 64;
  sampling.top_p = 0.95f;
  for (const int threads : {1, 2, 3}) {
    CAPTURE(threads);
    const Model model = load_tiny_pair(threads);
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
      CAPTURE(seed);
      sampling.seed = seed;
      const PlainText plain = plain_text(model, kPrompt, 160, sampling);
      // pieces of 1 and 3 tokens are shorter than a draft: the pass and the ring must fit both
      for (const std::uint32_t chunk : {1u, 3u, 7u, 256u}) {
        CAPTURE(chunk);
        const auto oracle = std::make_shared<OracleDrafter>(plain.tokens, 0.7);
        Session session(
            model, with(Speculation::fixed(7).by(oracle), session_options(KvType::f16, chunk)));
        CHECK(first_difference(session, plain, sampling) == -1);
        Session mtp(model, with(Speculation::fixed(5).by(DrafterKind::mtp),
                                session_options(KvType::f16, chunk)));
        CHECK(first_difference(mtp, plain, sampling) == -1);
        CHECK(mtp.statistics().drafted > 0);
      }
      Session automatic(model, with(Speculation::automatic(), session_options()));
      CHECK(first_difference(automatic, plain, sampling) == -1);
    }
  }
}

TEST_CASE("drafts from keys and values in f32 and q8_0 keep the bits") {
  const Model model = load_tiny_pair();
  for (const KvType kv : {KvType::f32, KvType::q8_0}) {
    for (const auto& [label, sampling] : samplings()) {
      const std::string name = label;
      CAPTURE(name);
      const PlainText plain = plain_text(model, kPrompt, kText, sampling, kv);
      for (const DrafterKind kind : {DrafterKind::mtp, DrafterKind::automatic}) {
        for (const int k : {0, 1, 6}) {
          CAPTURE(k);
          Session session(model, with(depth(k).by(kind), session_options(kv)));
          CHECK(first_difference(session, plain, sampling) == -1);
        }
      }
    }
  }
}

TEST_CASE("a rewind leaves nothing to draft from, and the assistant goes on a token later") {
  const Model model = load_tiny_pair();
  const PlainText plain = plain_text(model, kPrompt, 700);
  for (const DrafterKind kind : {DrafterKind::mtp, DrafterKind::automatic}) {
    CAPTURE(static_cast<int>(kind));
    Session session(model, with(Speculation::fixed(7).by(kind), session_options()));
    session.append_tokens(std::span(plain.tokens).first(kPrompt));
    for (std::uint32_t round = 0; session.position() < 700; ++round) {
      const Token token = session.decode_step();
      REQUIRE(token == plain.tokens[session.position() - 1]);
      if (round % 23 != 22) continue;
      const std::uint32_t backs[] = {1, 2, 9, 20};
      session.rewind(session.position() - backs[round / 23 % 4]);
      if (round % 2 == 0)
        REQUIRE(same_bits(session.logits(), plain.rows.row(session.position() - 1)));
    }
    CHECK(same_bits(session.logits(), plain.rows.row(699)));
    CHECK(session.statistics().prefill_tokens == kPrompt);
    CHECK(session.statistics().accepted > 100);
  }
}

TEST_CASE("hundreds of rejected drafts around the window's edge, with rewinds, leave no trace") {
  const Model model = load_tiny();
  const PlainText plain = plain_text(model, kPrompt, 900);
  for (const std::uint32_t chunk : {1u, 256u}) {
    for (const double right : {0.0, 0.5}) {
      CAPTURE(chunk);
      CAPTURE(right);
      const auto oracle = std::make_shared<OracleDrafter>(plain.tokens, right);
      Session session(model,
                      with(Speculation::fixed(7).by(oracle), session_options(KvType::f16, chunk)));
      session.append_tokens(std::span(plain.tokens).first(kPrompt));
      int rewinds = 0;
      for (std::uint32_t round = 0; session.position() < 900; ++round) {
        const Token token = session.decode_step();
        REQUIRE(token == plain.tokens[session.position() - 1]);
        if (round % 37 != 36) continue;
        ++rewinds;
        const std::uint32_t back = round % 3 == 0 ? 1 : round % 3 == 1 ? 17 : 31;
        session.rewind(session.position() - back);
        if (round % 2 == 0)
          REQUIRE(same_bits(session.logits(), plain.rows.row(session.position() - 1)));
      }
      CHECK(rewinds > 20);
      CHECK(oracle->drafted > 900);
      CHECK(same_bits(session.logits(), plain.rows.row(899)));
      // the slack of the rings was enough for all of it: nothing was read again
      CHECK(session.statistics().prefill_tokens == kPrompt);
      CHECK_FALSE(oracle->rewinds.empty());
    }
  }
}

TEST_CASE("a rewind as far as the cache allows, and one further") {
  const Model model = load_tiny(1);
  const PlainText plain = plain_text(model, kPrompt, 700);
  const auto oracle = std::make_shared<OracleDrafter>(plain.tokens, 0.0);
  Session session(model, with(Speculation::fixed(7).by(oracle), session_options(KvType::f16, 1)));
  int kept = 0, lost = 0;
  // everything is evaluated anew where the window is lost, so a few of those do
  for (std::uint32_t back = 55; back < 200 && lost < 8; ++back) {
    CAPTURE(back);
    session.append_tokens(std::span(plain.tokens).first(480 + back).subspan(session.position()));
    for (int i = 0; i < 3; ++i) (void)session.decode_step();
    ++(session.rewind(480) == 0 ? kept : lost);
    REQUIRE(same_bits(session.logits(), plain.rows.row(479)));
    REQUIRE(session.decode_step() == plain.tokens[480]);
    REQUIRE(session.decode_step() == plain.tokens[481]);
  }
  CHECK(kept > 10);
  CHECK(lost == 8);
}

TEST_CASE("generate() gives the text of plain decoding, with drafts that pay") {
  const Model model = load_tiny_pair();
  const auto text = [&](const Speculation& speculation, Statistics& statistics) {
    Session session(model, with(speculation, session_options()));
    session.append_text("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15. 1, 2, 3, 4, 5,");
    GenerateOptions options;
    options.max_tokens = 200;
    options.ignore_end_of_generation = true;
    std::string out;
    for (const Event& event : session.generate(options)) out += event.text;
    statistics = session.statistics();
    return out;
  };
  Statistics off, fixed, mtp, automatic;
  const std::string expected = text(Speculation::off(), off);
  CHECK(text(Speculation::fixed(4).by(DrafterKind::ngram), fixed) == expected);
  CHECK(text(Speculation::fixed(4).by(DrafterKind::mtp), mtp) == expected);
  CHECK(text(Speculation::automatic(), automatic) == expected);
  CHECK(off.drafted == 0);
  CHECK(off.target_steps == 199);
  CHECK(fixed.accepted > 60);
  CHECK(fixed.target_steps < 140);
  CHECK(mtp.accepted > 100);
  CHECK(mtp.target_steps < 100);
}

}  // namespace gemma4
