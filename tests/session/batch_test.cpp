// Passes that sessions share give each the bits it would get alone.
#include <doctest/doctest.h>

#include <thread>

#include "session/refusals.hpp"
#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

SamplingOptions warm(std::uint64_t seed) {
  SamplingOptions options;
  options.temperature = 0.9f;
  options.top_k = 50;
  options.repetition_penalty = 1.1f;
  options.seed = seed;
  return options;
}

/// Texts of several sessions, which begin around the window's edge.
class Crowd {
 public:
  Crowd(const Model& model, std::size_t count, const SessionOptions& options) {
    for (std::size_t i = 0; i < count; ++i) {
      constexpr std::size_t kStarts[] = {1, kWindow - 3, kWindow, 2 * kWindow - 1, 300, 20};
      sessions.emplace_back(model, options);
      sessions.back().append_tokens(
          random_tokens(kStarts[i % 6], static_cast<std::uint32_t>(i + 1)));
    }
  }
  std::vector<Session*> pointers() {
    std::vector<Session*> all;
    for (Session& session : sessions) all.push_back(&session);
    return all;
  }
  std::vector<Session> sessions;
};

}  // namespace

TEST_CASE("sessions that share passes get their own bits") {
  const Model model = load_tiny_pair();
  for (const KvType kv : {KvType::f16, KvType::f32, KvType::q8_0}) {
    for (const std::size_t count : {1, 2, 5, 11}) {
      for (const Speculation& speculation : {Speculation::off(), Speculation::automatic(),
                                             Speculation::fixed(3).by(DrafterKind::mtp),
                                             Speculation::fixed(7).by(DrafterKind::ngram)}) {
        CAPTURE(count);
        CAPTURE(speculation.depth);
        const SessionOptions options = with(speculation, session_options(kv));
        Crowd alone(model, count, options), together(model, count, options);
        Batch batch(model);
        for (int step = 0; step < 40; ++step) {
          batch.evaluate(together.pointers());
          for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t steps = together.sessions[i].statistics().target_steps;
            if (step % 8 == 0)
              REQUIRE(same_bits(together.sessions[i].logits(), alone.sessions[i].logits()));
            REQUIRE(together.sessions[i].decode_step(warm(i)) ==
                    alone.sessions[i].decode_step(warm(i)));
            REQUIRE(together.sessions[i].statistics().target_steps == steps);  // no pass of its own
          }
        }
        if (speculation.depth == 3) CHECK(together.sessions[count - 1].statistics().accepted > 0);
      }
    }
  }
}

TEST_CASE("sessions with different rows, drafts and forks share a pass") {
  const Model model = load_tiny_pair(3);
  const auto make = [&] {
    std::vector<Session> sessions;
    sessions.emplace_back(model, with(Speculation::off(), session_options(KvType::f32)));
    sessions.emplace_back(
        model, with(Speculation::fixed(5).by(DrafterKind::mtp), session_options(KvType::f16, 16)));
    sessions.emplace_back(model, with(Speculation::automatic(), session_options(KvType::q8_0)));
    for (Session& session : sessions) session.append_text("Once upon a time, in a town");
    (void)sessions[2].logits();
    sessions.push_back(sessions[2].fork());
    return sessions;
  };
  std::vector<Session> alone = make(), together = make();
  Batch batch(model, {.rows = 8});
  for (int step = 0; step < 100; ++step) {
    batch.evaluate(std::vector<Session*>{&together[0], &together[1], &together[2], &together[3]});
    for (std::size_t i = 0; i < together.size(); ++i)
      REQUIRE(together[i].decode_step(warm(i)) == alone[i].decode_step(warm(i)));
  }
  for (std::size_t i = 0; i < together.size(); ++i)
    CHECK(same_bits(together[i].logits(), alone[i].logits()));
}

TEST_CASE("generations run side by side") {
  const Model model = load_tiny_pair();
  const char* questions[] = {"What is the capital of Japan?", "What is 34 + 17?",
                             "Name the planets.", "Tell me a story."};
  for (const Speculation& speculation :
       {Speculation::off(), Speculation::fixed(4).by(DrafterKind::mtp)}) {
    struct One {
      Session session;
      std::string text;
      FinishReason reason = FinishReason::none;
      void add(const Event& event) {
        text += event.text;
        if (event.kind == Event::Kind::end) reason = event.reason;
      }
    };
    GenerateOptions options;
    options.max_tokens = 60;
    std::vector<One> alone, together;
    for (const char* question : questions) {
      for (std::vector<One>* list : {&alone, &together}) {
        list->push_back({Session(model, with(speculation, session_options())), {}});
        list->back().session.append(Chat{}.user(question));
      }
    }
    for (One& one : alone) {
      for (const Event& event : one.session.generate(options)) one.add(event);
    }
    std::vector<Generation> generations;
    for (One& one : together) generations.push_back(one.session.generate(options));
    Batch batch(model);
    std::uint64_t rounds = 0;
    for (;; ++rounds) {
      std::vector<Session*> running;
      for (std::size_t i = 0; i < together.size(); ++i) {
        if (!generations[i].ended()) running.push_back(&together[i].session);
      }
      if (running.empty()) break;
      REQUIRE(rounds < 200);
      batch.evaluate(running);
      for (std::size_t i = 0; i < together.size(); ++i) {
        while (const Event* event = generations[i].next_ready()) together[i].add(*event);
      }
    }
    CHECK(rounds > 10);
    for (std::size_t i = 0; i < together.size(); ++i) {
      CHECK(together[i].text == alone[i].text);
      CHECK(together[i].reason == alone[i].reason);
      CHECK(tokens_of(together[i].session) == tokens_of(alone[i].session));
      CHECK(generations[i].next() == nullptr);
    }
  }
}

TEST_CASE("a full context ends its generation and not the batch") {
  const Model model = load_tiny_pair();
  for (const Speculation& speculation : {Speculation::off(), Speculation::fixed(7)}) {
    Session small(model, with(speculation, session_options(KvType::f16, 0, 16))),
        large(model, with(speculation, session_options()));
    for (Session* session : {&small, &large}) session->append_tokens(random_tokens(12));
    GenerateOptions options;
    options.ignore_end_of_generation = true;
    options.max_tokens = 30;
    Generation a = small.generate(options), b = large.generate(options);
    Batch batch(model);
    FinishReason reason = FinishReason::none;
    while (!a.ended() || !b.ended()) {
      batch.evaluate(std::vector<Session*>{&small, &large});
      while (const Event* event = a.next_ready()) reason = event->reason;
      while (b.next_ready() != nullptr) continue;
    }
    CHECK(reason == FinishReason::context_full);
    CHECK(small.position() == 16);
    CHECK(large.position() == 42);
  }
}

TEST_CASE("what does not fit into a batch is refused") {
  const Model model = load_tiny(1), other = load_tiny(1);
  CHECK_REFUSED(Batch(model, {.rows = 7}), "invalid_argument", "rows", "7");
  CHECK_REFUSED(Batch(model, {.rows = 257}), "invalid_argument", "rows", "257");
  CHECK_REFUSED(Batch(model, {.context_tokens = 1u << 30}), "invalid_argument", "context_tokens");
  Batch batch(model, {.context_tokens = 512});
  Session session(model, session_options(KvType::f16, 0, 512)),
      empty(model, session_options(KvType::f16, 0, 512)),
      large(model, session_options(KvType::f16, 0, 513)),
      stranger(other, session_options(KvType::f16, 0, 512));
  for (Session* one : {&session, &large, &stranger}) one->append_tokens(random_tokens(10));
  using List = std::vector<Session*>;
  CHECK_REFUSED(batch.evaluate(List{&session, nullptr}), "invalid_argument", "session 1", "null");
  CHECK_REFUSED(batch.evaluate(List{&session, &session}), "invalid_argument", "session 1", "once");
  CHECK_REFUSED(batch.evaluate(List{&stranger}), "invalid_argument", "session 0", "model");
  CHECK_REFUSED(batch.evaluate(List{&session, &large}), "invalid_argument", "512", "513");
  CHECK_REFUSED(batch.evaluate(List{&empty}), "invalid_argument", "token");
  CHECK(session.statistics().prefill_tokens == 0);
  CHECK_NOTHROW(batch.evaluate({}));
  CHECK(Batch::plan(model, {.rows = 64}).workspace_bytes > Batch::plan(model).workspace_bytes);
}

TEST_CASE("a batch cancelled from another thread at any moment leaves no trace") {
  const Model model = load_tiny(2);
  const SessionOptions options = with(Speculation::off(), session_options());
  Crowd alone(model, 4, options), together(model, 4, options);
  Batch batch(model);
  batch.evaluate(together.pointers());
  std::atomic<bool> stop{false};
  std::thread canceller([&] {
    while (!stop) {
      batch.cancel();
      std::this_thread::yield();
    }
  });
  int cancelled = 0, done = 0;
  while ((done < 30 || cancelled == 0) && cancelled < 20000) {
    try {
      batch.evaluate(together.pointers());
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::cancelled);
      ++cancelled;
      continue;
    }
    ++done;
    for (Session& session : together.sessions) (void)session.decode_step(warm(1));
  }
  stop = true;
  canceller.join();
  CHECK(cancelled > 0);
  for (std::size_t i = 0; i < 4; ++i) {
    while (alone.sessions[i].position() < together.sessions[i].position())
      (void)alone.sessions[i].decode_step(warm(1));
    CHECK(tokens_of(alone.sessions[i]) == tokens_of(together.sessions[i]));
    CHECK(same_bits(alone.sessions[i].logits(), together.sessions[i].logits()));
  }
}

TEST_CASE("what a drafter throws in a batch leaves every session as it was") {
  const Model model = load_tiny(1);
  bool armed = false;
  const auto drafter = make_drafter([&](const DraftRequest&, DraftSink& sink) {
    sink.add(5);
    if (armed) throw std::runtime_error("no idea");
  });
  Session good(model, session_options()),
      bad(model, with(Speculation::fixed(1).by(drafter), session_options())),
      alone(model, session_options());
  for (Session* session : {&good, &bad, &alone}) session->append_tokens(random_tokens(30));
  Batch batch(model);
  for (int step = 0; step < 20; ++step) {
    armed = step % 3 == 1;
    if (armed) {
      CHECK_THROWS_AS(batch.evaluate(std::vector<Session*>{&good, &bad}), std::runtime_error);
      armed = false;
    }
    batch.evaluate(std::vector<Session*>{&good, &bad});
    const Token expected = alone.decode_step(warm(3));
    REQUIRE(good.decode_step(warm(3)) == expected);
    REQUIRE(bad.decode_step(warm(3)) == expected);
  }
}

}  // namespace gemma4
