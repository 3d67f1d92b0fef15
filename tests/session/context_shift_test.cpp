// A full context that makes room goes on as a new session would with the tokens that are left.
#include <doctest/doctest.h>

#include <algorithm>

#include "session/model_impl.hpp"
#include "session/refusals.hpp"
#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"
#include "text/context_cut.hpp"

namespace gemma4 {
namespace {

using namespace testing;

// more than the ring of sliding layers holds, so that a shift loses the first tokens' rows too
constexpr std::uint32_t kContext = 6 * kWindow + 20, kChunkTokens = 16;

SessionOptions shifting(KvType kv, const Speculation& speculation = Speculation::off(),
                        std::uint32_t context = kContext) {
  SessionOptions options = with(speculation, session_options(kv, kChunkTokens, context));
  options.context_policy = ContextPolicy::shift;
  return options;
}

/// Writes no turns.
SamplingOptions warm(const Model& model) {
  SamplingOptions options;
  options.temperature = 0.9f;
  options.top_k = 50;
  options.repetition_penalty = 1.1f;
  options.seed = 11;
  const SpecialIds& ids = model.tokenizer().impl().special_ids();
  options.suppress = {ids.turn_open, ids.turn_close};
  return options;
}

/// Random tokens without turns.
std::vector<Token> prose(const Model& model, std::size_t count) {
  std::vector<Token> tokens = random_tokens(count);
  const SpecialIds& ids = model.tokenizer().impl().special_ids();
  std::replace(tokens.begin(), tokens.end(), ids.turn_open, Token{700});
  std::replace(tokens.begin(), tokens.end(), ids.turn_close, Token{700});
  return tokens;
}

/// A session that never shifts and is made anew whenever another would.
class Oracle {
 public:
  Oracle(const Model& model, KvType kv, std::vector<Token> tokens, std::uint32_t keep_first)
      : model_(model), kv_(kv), keep_first_(keep_first), tokens_(std::move(tokens)) {
    renew();
  }
  Token step() {
    if (tokens_.size() == kContext) {
      const auto cut = context_cut(model_.tokenizer().impl(), tokens_, {.keep_first = keep_first_});
      REQUIRE(cut.has_value());
      tokens_.erase(tokens_.begin() + cut->begin, tokens_.begin() + cut->end);
      dropped += cut->tokens();
      ++shifts;
      renew();
    }
    tokens_.push_back(session_->decode_step(warm(model_)));
    return tokens_.back();
  }
  Session& session() { return *session_; }
  std::uint64_t shifts = 0, dropped = 0;

 private:
  void renew() {
    session_.emplace(model_, with(Speculation::off(), session_options(kv_, 7, kContext)));
    session_->append_tokens(tokens_);
  }
  const Model& model_;
  KvType kv_;
  std::uint32_t keep_first_;
  std::vector<Token> tokens_;
  std::optional<Session> session_;
};

const std::initializer_list<Speculation> kSpeculations = {
    Speculation::off(), Speculation::fixed(4).by(DrafterKind::mtp), Speculation::automatic()};

std::string text_of(const Session& session, std::uint32_t begin, std::uint32_t count) {
  std::string text;
  for (const Token token : session.tokens().subspan(begin, count))
    text += session.model().tokenizer().impl().piece(token, true);
  return text;
}

}  // namespace

TEST_CASE("decoding beyond the context gives a new session's bits, with any drafter and rows") {
  const Model model = load_tiny_pair();
  for (const KvType kv : {KvType::f16, KvType::q8_0}) {
    for (const std::uint32_t keep_first : {0u, 40u, kContext - 90}) {
      for (const Speculation& speculation : kSpeculations) {
        CAPTURE(keep_first);
        SessionOptions options = shifting(kv, speculation);
        options.keep_first_tokens = keep_first;
        Session session(model, options);
        const std::vector<Token> prompt = prose(model, kContext - 30);
        session.append_tokens(prompt);
        Oracle oracle(model, kv, prompt, keep_first);
        for (int i = 0; i < 300; ++i) {
          REQUIRE(session.decode_step(warm(model)) == oracle.step());
          if (i % 9 == 0 || session.statistics().shifts != oracle.shifts)
            REQUIRE(same_bits(session.logits(), oracle.session().logits()));
        }
        CHECK(tokens_of(session) == tokens_of(oracle.session()));
        const Statistics done = session.statistics();
        CHECK(done.shifts == oracle.shifts);
        CHECK(done.shifts >= 2);
        CHECK(done.dropped_tokens == oracle.dropped);
        CHECK(prompt.size() + 300 == session.position() + done.dropped_tokens);
        CHECK(done.reprocessed_tokens > 0);
        CHECK(done.prefill_tokens >= prompt.size() + done.reprocessed_tokens);
        if (speculation.depth == 4) CHECK(done.accepted > 0);
      }
    }
  }
}

TEST_CASE("an answer goes on when the context fills in its middle, alone and in a batch") {
  const Model model = load_tiny_pair();
  GenerateOptions options;
  static_cast<SamplingOptions&>(options) = warm(model);
  options.ignore_end_of_generation = true;
  options.max_tokens = 400;
  for (const Speculation& speculation : kSpeculations) {
    const std::vector<Token> prompt = prose(model, 300);
    Oracle oracle(model, KvType::f16, prompt, 0);
    for (int i = 0; i < 400; ++i) (void)oracle.step();
    REQUIRE(oracle.shifts >= 2);
    for (const bool batched : {false, true}) {
      CAPTURE(batched);
      Session session(model, shifting(KvType::f16, speculation));
      session.append_tokens(prompt);
      Generation generation = session.generate(options);
      Batch batch(model);
      FinishReason reason = FinishReason::none;
      std::vector<Session*> all = {&session};
      while (!generation.ended()) {
        if (batched) batch.evaluate(all);
        while (const Event* event = batched ? generation.next_ready() : generation.next())
          reason = event->reason;
      }
      CHECK(reason == FinishReason::length);
      CHECK(tokens_of(session) == tokens_of(oracle.session()));
      CHECK(session.statistics().shifts == oracle.shifts);
      CHECK(same_bits(session.logits(), oracle.session().logits()));
    }
  }
}

TEST_CASE("a conversation loses its oldest turns and keeps its instructions") {
  const Model model = load_tiny_pair();
  for (const KvType kv : {KvType::f16, KvType::q8_0}) {
    for (const Speculation& speculation : kSpeculations) {
      Session session(model, shifting(kv, speculation));
      GenerateOptions options;
      options.max_tokens = 30;
      session.append(Chat{}.system("Be brief.").user("What is 34 + 17?"));
      std::uint32_t head = 0;  // bos and the system's turn
      while (text_of(session, head, 1) != "<|turn>" || head == 1) ++head;
      const std::vector<Token> begin(session.tokens().begin(), session.tokens().begin() + head);
      for (int turn = 0; turn < 30; ++turn) {
        CAPTURE(turn);
        const std::uint64_t shifts = session.statistics().shifts;
        if (turn > 0) session.append(Chat{}.user("What is the capital of Japan?"));
        for (const Event& event : session.generate(options)) {
          if (event.kind == Event::Kind::end) REQUIRE(event.reason != FinishReason::context_full);
        }
        REQUIRE(std::equal(begin.begin(), begin.end(), session.tokens().begin()));
        REQUIRE(text_of(session, head, 1) == "<|turn>");
        REQUIRE(text_of(session, head + 1, 2).starts_with("user"));
        if (session.statistics().shifts == shifts) continue;
        Session fresh(model, with(Speculation::off(), session_options(kv, 5, kContext)));
        fresh.append_tokens(session.tokens());
        REQUIRE(same_bits(session.logits(), fresh.logits()));
      }
      CHECK(session.statistics().shifts >= 2);
    }
  }
}

TEST_CASE("tokens that are appended push old ones out and are never dropped themselves") {
  const Model model = load_tiny();
  Session session(model, shifting(KvType::f16));
  std::vector<Token> expected = prose(model, kContext - 5);
  session.append_tokens(expected);
  (void)session.logits();
  const std::vector<Token> more = random_tokens(300, 7);
  session.append_tokens(more);  // asks for more than half: 295 of the 398 behind bos
  expected.erase(expected.begin() + 1, expected.begin() + 296);
  expected.insert(expected.end(), more.begin(), more.end());
  CHECK(tokens_of(session) == expected);
  CHECK(session.statistics().shifts == 1);
  CHECK(session.statistics().dropped_tokens == 295);
  CHECK(session.statistics().reprocessed_tokens == kContext - 5 - 295);
  Session fresh(model, session_options());
  fresh.append_tokens(expected);
  CHECK(same_bits(session.logits(), fresh.logits()));

  const std::vector<Token> most = random_tokens(kContext, 8);
  CHECK_REFUSED(session.append_tokens(most), "context_full");
  CHECK(tokens_of(session) == expected);
  session.append_tokens(std::span(most).first(kContext - 1));
  CHECK(session.position() == kContext);
  CHECK(session.tokens()[0] == 2);
}

TEST_CASE("what no shift can fit is an error, and the session stays as it was") {
  const Model model = load_tiny();
  Session session(model, shifting(KvType::f16));
  session.append(Chat{}.system("Be brief.").user("What is 34 + 17?"));
  const std::vector<Token> before = tokens_of(session);
  std::string text;
  for (int i = 0; i < 600; ++i) text += "word ";
  CHECK_REFUSED(session.append(Chat{}.user(text)), "context_full");
  CHECK(tokens_of(session) == before);
  CHECK(session.statistics().shifts == 0);

  // An answer that fills the context by itself: its question goes, then there is nothing left.
  GenerateOptions options;
  options.ignore_end_of_generation = true;
  options.suppress = {model.tokenizer().impl().special_ids().turn_open,
                      model.tokenizer().impl().special_ids().turn_close};
  FinishReason reason = FinishReason::none;
  for (const Event& event : session.generate(options)) reason = event.reason;
  CHECK(reason == FinishReason::context_full);
  CHECK(session.statistics().shifts == 1);
  CHECK(session.position() == kContext);
  CHECK_REFUSED((void)session.decode_step(), "context_full");
  session.append(Chat{}.user("What is 3 + 4?"));  // but a new turn ends it
  CHECK(session.statistics().shifts == 2);
  options = {};
  for (const Event& event : session.generate(options)) reason = event.reason;
  CHECK(reason == FinishReason::stop);
}

TEST_CASE("the error policy does not shift, and options that cannot be are refused") {
  const Model model = load_tiny();
  SessionOptions options = session_options(KvType::f16, 0, kContext);
  options.keep_first_tokens = 5000;  // of no meaning here
  Session session(model, options);
  session.append_tokens(random_tokens(kContext));
  CHECK_REFUSED((void)session.decode_step(), "context_full");
  CHECK_REFUSED(session.append_text("x"), "context_full");
  CHECK(session.statistics().shifts == 0);
  options.context_policy = ContextPolicy::shift;
  CHECK_REFUSED(Session(model, options), "invalid_argument", "keep_first_tokens", "5000");
  options.context_policy = static_cast<ContextPolicy>(7);
  CHECK_REFUSED(Session(model, options), "invalid_argument", "context_policy", "7");
}

TEST_CASE("a shift that is cancelled goes on with the same bits, and forks shift by themselves") {
  const Model model = load_tiny();
  Session session(model, shifting(KvType::f16));
  session.append_tokens(random_tokens(kContext));
  (void)session.logits();
  Session fork = session.fork();
  const Token expected = fork.decode_step(warm(model));
  CHECK(fork.statistics().shifts == 1);
  CHECK(session.position() == kContext);
  GenerateOptions options;
  static_cast<SamplingOptions&>(options) = warm(model);
  options.max_tokens = 1;
  options.ignore_end_of_generation = true;
  {
    Generation generation = session.generate(options);
    session.cancel();
    while (generation.next() != nullptr) continue;
  }
  CHECK(session.statistics().shifts == 0);  // nothing was begun
  CHECK(session.decode_step(warm(model)) == expected);
  CHECK(tokens_of(session) == tokens_of(fork));
}

}  // namespace gemma4
