// The token loop does not allocate.
#include <doctest/doctest.h>

#include "decode/allocation_counter.hpp"
#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

// Allocations from the event after `warm_up` ones to the end of the generation, of at least `least`
// events more.
std::uint64_t allocations(Session& session, const GenerateOptions& options, int warm_up,
                          int least) {
  Generation generation = session.generate(options);
  for (int i = 0; i < warm_up; ++i) REQUIRE(generation.next() != nullptr);
  const std::uint64_t before = allocation_count();
  int events = 0;
  while (generation.next() != nullptr) ++events;
  const std::uint64_t found = allocation_count() - before;
  CHECK(events >= least);
  return found;
}

GenerateOptions endless() {
  GenerateOptions options;
  options.ignore_end_of_generation = true;
  options.max_tokens = 500;
  return options;
}

GenerateOptions sampled() {
  GenerateOptions options = endless();
  options.temperature = 1.0f;
  options.top_k = 64;
  options.top_p = 0.95f;
  options.repetition_penalty = 1.1f;
  options.penalty_window = 0;
  options.seed = 3;
  return options;
}

}  // namespace

TEST_CASE("several hundred events of a generation do not allocate") {
  for (const int threads : {1, 2}) {
    const Model model = load_tiny(threads);
    for (const GenerateOptions& options : {endless(), sampled()}) {
      Session raw(model, session_options(KvType::f16, 0, 2048));
      raw.append_text("Once upon a time");
      CHECK(allocations(raw, options, 50, 400) == 0);

      // Fewer events: markers are no text.
      Session chat(model, session_options(KvType::f32, 0, 2048));
      chat.append(Chat{}.user("Tell me a story."));
      CHECK(allocations(chat, options, 50, 30) == 0);
    }
  }
}

TEST_CASE("a context that makes room does not allocate") {
  const Model model = load_tiny_pair();
  for (const Speculation& speculation :
       {Speculation::off(), Speculation::fixed(4).by(DrafterKind::mtp), Speculation::automatic()}) {
    SessionOptions options = with(speculation, session_options(KvType::f16, 0, 256));
    options.context_policy = ContextPolicy::shift;
    Session session(model, options);
    session.append_text("Once upon a time");
    CHECK(allocations(session, sampled(), 50, 400) == 0);
    CHECK(session.statistics().shifts > 1);
  }
}

TEST_CASE("shared passes do not allocate") {
  const Model model = load_tiny_pair();
  for (const Speculation& speculation :
       {Speculation::off(), Speculation::fixed(4).by(DrafterKind::mtp), Speculation::automatic()}) {
    std::vector<Session> sessions;
    std::vector<Session*> all;
    for (const KvType kv : {KvType::f16, KvType::q8_0, KvType::f32, KvType::f16})
      sessions.emplace_back(model, with(speculation, session_options(kv, 0, 2048)));
    for (Session& session : sessions) {
      session.append_tokens(random_tokens(60 + 30 * all.size()));
      all.push_back(&session);
    }
    Batch batch(model, {.rows = 8});  // two passes or more where there are drafts
    const SamplingOptions options = sampled();
    const auto steps = [&](int count) {
      for (int i = 0; i < count; ++i) {
        batch.evaluate(all);
        for (Session& session : sessions) (void)session.decode_step(options);
      }
    };
    steps(10);
    const std::uint64_t before = allocation_count();
    steps(150);
    CHECK(allocation_count() == before);
  }
}

TEST_CASE("a stop text that never comes does not allocate") {
  const Model model = load_tiny();
  GenerateOptions options = sampled();
  options.stop = {"a text that this model will not write", "\xF0\x9F\x90\xB3"};
  Session session(model, session_options(KvType::f16, 0, 2048));
  session.append_text("Once upon a time");
  CHECK(allocations(session, options, 50, 400) == 0);
}

TEST_CASE("decode steps do not allocate") {
  const Model model = load_tiny();
  const SamplingOptions options = sampled();
  Session session(model, session_options(KvType::f16, 0, 2048));
  session.append_tokens(random_tokens(100));
  for (int i = 0; i < 10; ++i) (void)session.decode_step(options);
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 300; ++i) (void)session.decode_step(options);
  CHECK(allocation_count() == before);
}

TEST_CASE("drafting and checking do not allocate") {
  const Model model = load_tiny_pair();
  for (const GenerateOptions& options : {endless(), sampled()}) {
    Session plain(model, with(Speculation::off(), session_options(KvType::f16, 0, 2048)));
    plain.append_text("Once upon a time");
    for (const Event& event : plain.generate(options)) (void)event;
    const auto oracle = std::make_shared<OracleDrafter>(tokens_of(plain), 0.7);
    const auto ngram = std::make_shared<NgramDrafter>(2048);
    const auto both =
        std::make_shared<FirstOf>(std::vector<std::shared_ptr<Drafter>>{ngram, oracle});
    for (const Speculation& speculation :
         {Speculation::automatic(), Speculation::fixed(7).by(DrafterKind::ngram),
          Speculation::automatic().by(DrafterKind::mtp), Speculation::fixed(7).by(DrafterKind::mtp),
          Speculation::fixed(5), Speculation::automatic().by(both),
          Speculation::fixed(5).by(both)}) {
      CAPTURE(static_cast<int>(speculation.drafter));
      Session session(model, with(speculation, session_options(KvType::f16, 0, 2048)));
      session.append_text("Once upon a time");
      CHECK(allocations(session, options, 50, 400) == 0);
      CHECK(session.statistics().drafted > 0);
    }
  }
}

}  // namespace gemma4
