// Generations that end in the middle of a draft, and drafters that misbehave: all is as it would be
// without drafts.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

/// All that a host can see of a generation.
struct Seen {
  std::vector<std::string> events;
  std::vector<std::vector<Token>> contexts;  // tokens() after each event
  std::vector<float> logits;                 // afterwards
  bool operator==(const Seen&) const = default;
};

void watch(Session& session, const GenerateOptions& options, Seen& seen) {
  for (const Event& event : session.generate(options)) {
    seen.events.push_back(std::to_string(static_cast<int>(event.kind)) + " " +
                          std::string(event.text) + " " + finish_reason_name(event.reason));
    seen.contexts.push_back(tokens_of(session));
  }
}

/// A prompt and two generations one after the other: the second begins where the first ended.
Seen see(const Model& model, const Speculation& speculation, const GenerateOptions& options,
         std::uint32_t context = 1024) {
  Session session(model, with(speculation, session_options(KvType::f16, 0, context)));
  session.append(Chat{}.user("What is 34 + 17?"));
  Seen seen;
  watch(session, options, seen);
  const std::span<const float> logits = session.logits();
  seen.logits.assign(logits.begin(), logits.end());
  if (session.position() < context) {
    GenerateOptions more = options;
    more.stop = {};
    more.max_tokens = 9;
    watch(session, more, seen);
  }
  return seen;
}

/// What the model goes on to write when nothing stops it.
std::vector<Token> continuation(const Model& model) {
  Session session(model, with(Speculation::off(), session_options()));
  session.append(Chat{}.user("What is 34 + 17?"));
  GenerateOptions options;
  options.ignore_end_of_generation = true;
  options.max_tokens = 60;
  for (const Event& event : session.generate(options)) (void)event;
  return tokens_of(session);
}

/// The same at every depth with an oracle, with one that errs, with n-grams and the assistant.
void check_same(const Model& model, const GenerateOptions& options, std::uint32_t context = 1024) {
  const std::vector<Token> text = continuation(model);
  const Seen expected = see(model, Speculation::off(), options, context);
  for (std::uint32_t k = 1; k <= kMostDrafts; ++k) {
    CAPTURE(k);
    for (const double right : {1.0, 0.6}) {
      const auto oracle = std::make_shared<OracleDrafter>(text, right);
      CHECK((see(model, Speculation::fixed(k).by(oracle), options, context) == expected));
      // the last token has room for no draft, the one before it comes from the prompt
      if (context > text.size() - 60 + 2) CHECK(oracle->proposals > 0);
    }
    for (const DrafterKind kind : {DrafterKind::ngram, DrafterKind::mtp})
      CHECK((see(model, Speculation::fixed(k).by(kind), options, context) == expected));
  }
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode{};
}

}  // namespace

TEST_CASE("the end of a turn inside a draft") {
  const Model model = load_tiny_pair();
  check_same(model, {});
}

TEST_CASE("a stop text inside a draft, wherever it begins and ends") {
  const Model model = load_tiny_pair();
  const std::string answer = "34 + 17 = 51.";
  for (std::size_t at = 0; at < answer.size(); at += 2) {
    GenerateOptions options;
    options.stop = {answer.substr(at, 3)};
    CAPTURE(options.stop[0]);
    check_same(model, options);
  }
}

TEST_CASE("max_tokens inside a draft") {
  const Model model = load_tiny_pair();
  for (const std::uint32_t limit : {1u, 2u, 3u, 5u, 8u, 9u, 13u}) {
    CAPTURE(limit);
    GenerateOptions options;
    options.max_tokens = limit;
    options.ignore_end_of_generation = true;
    check_same(model, options);
  }
}

TEST_CASE("the context's end inside a draft") {
  const Model model = load_tiny_pair();
  Session prompt(model, session_options());
  prompt.append(Chat{}.user("What is 34 + 17?"));
  GenerateOptions options;
  options.ignore_end_of_generation = true;
  for (const std::uint32_t room : {1u, 2u, 5u, 8u, 9u, 20u}) {
    CAPTURE(room);
    check_same(model, options, prompt.position() + room);
  }
}

TEST_CASE("leaving the loop inside a draft, and going on in every way") {
  const Model model = load_tiny();
  const std::vector<Token> text = continuation(model);
  const std::uint32_t end = static_cast<std::uint32_t>(text.size());
  const auto leave = [&](const Speculation& speculation, int events) {
    auto session = std::make_unique<Session>(model, with(speculation, session_options()));
    session->append(Chat{}.user("What is 34 + 17?"));
    GenerateOptions options;
    options.ignore_end_of_generation = true;
    Generation generation = session->generate(options);
    for (int i = 0; i < events; ++i) REQUIRE(generation.next() != nullptr);
    return session;
  };
  for (int events = 1; events < 12; ++events) {
    CAPTURE(events);
    for (int way = 0; way < 5; ++way) {
      CAPTURE(way);
      const auto oracle = std::make_shared<OracleDrafter>(text);
      const auto plain = leave(Speculation::off(), events);
      const auto ahead = leave(Speculation::fixed(7).by(oracle), events);
      REQUIRE(tokens_of(*ahead) == tokens_of(*plain));
      REQUIRE(ahead->position() < end);
      for (Session* session : {plain.get(), ahead.get()}) {
        // with other options than before; with other tokens; from an earlier place; with other
        // tokens in place of the last ones, as many as they were; at once
        SamplingOptions other;
        other.temperature = 1.0f;
        if (way == 0) (void)session->decode_step(other);
        if (way == 1) session->append_tokens(std::vector<Token>{700, 701});
        if (way == 2 || way == 3) session->rewind(session->position() - 2);
        if (way == 3) session->append_tokens(std::vector<Token>{700, 701});
      }
      CHECK(same_bits(ahead->logits(), plain->logits()));
      for (int i = 0; i < 12; ++i) {
        REQUIRE(ahead->decode_step() == plain->decode_step());
      }
      CHECK(same_bits(ahead->logits(), plain->logits()));
    }
  }
}

TEST_CASE("tokens that are none end a draft before them") {
  const Model model = load_tiny();
  const std::vector<Token> text = continuation(model);
  const Seen expected = see(model, Speculation::off(), {});
  for (const Token wrong : {-1, 1536, 2147483647, -2147483647 - 1}) {
    for (const std::uint32_t good : {0u, 2u}) {
      bool more = true;
      std::uint64_t drafts = 0;
      const auto drafter = make_drafter([&](const DraftRequest& request, DraftSink& draft) {
        for (std::uint32_t i = 0; i < good; ++i) draft.add(text[request.position + i], 2.0f);
        more = draft.add(wrong) || draft.add(text[request.position + good]);
        ++drafts;
      });
      CHECK((see(model, Speculation::fixed(5).by(drafter), {}) == expected));
      CHECK(drafts > 0);
      CHECK_FALSE(more);
    }
  }
}

TEST_CASE("a drafter that adds without end is stopped") {
  const Model model = load_tiny();
  const Seen expected = see(model, Speculation::off(), {});
  const auto drafter = make_drafter([](const DraftRequest&, DraftSink& draft) {
    for (int i = 0; i < 1000; ++i) draft.add(5);
  });
  CHECK((see(model, Speculation::fixed(7).by(drafter), {}) == expected));
  CHECK((see(model, Speculation::automatic().by(drafter), {}) == expected));
}

TEST_CASE("what a drafter throws reaches the caller, and the next call goes on") {
  const Model model = load_tiny();
  const std::vector<Token> text = continuation(model);
  int calls = 0;
  const auto drafter = make_drafter([&](const DraftRequest& request, DraftSink& draft) {
    draft.add(text[request.position]);
    draft.add(text[request.position + 1]);
    if (++calls % 3 == 2) throw std::runtime_error("the drafter's own");
  });
  Session session(model, with(Speculation::fixed(4).by(drafter), session_options()));
  session.append(Chat{}.user("What is 34 + 17?"));
  GenerateOptions options;
  options.ignore_end_of_generation = true;
  options.max_tokens = 40;
  std::string out;
  int thrown = 0;
  Generation generation = session.generate(options);
  for (bool more = true; more;) {
    try {
      const Event* event = generation.next();
      more = event != nullptr;
      if (more) out += event->text;
    } catch (const std::runtime_error& error) {
      CHECK(error.what() == std::string("the drafter's own"));
      ++thrown;
    }
  }
  CHECK(thrown > 3);
  Session plain(model, with(Speculation::off(), session_options()));
  plain.append(Chat{}.user("What is 34 + 17?"));
  std::string expected;
  for (const Event& event : plain.generate(options)) expected += event.text;
  CHECK(out == expected);
  CHECK(tokens_of(session) == tokens_of(plain));
  CHECK(same_bits(session.logits(), plain.logits()));
}

TEST_CASE("a cancel while drafting ends the generation, and the session goes on") {
  const Model model = load_tiny();
  const std::vector<Token> text = continuation(model);
  for (int at = 1; at < 6; ++at) {
    CAPTURE(at);
    Session* cancelled = nullptr;
    int calls = 0;
    const auto drafter = make_drafter([&](const DraftRequest& request, DraftSink& draft) {
      if (++calls == at) cancelled->cancel();
      for (std::uint32_t i = 0; i < 3; ++i) draft.add(text[request.position + i]);
    });
    Session session(model, with(Speculation::fixed(3).by(drafter), session_options()));
    cancelled = &session;
    session.append(Chat{}.user("What is 34 + 17?"));
    GenerateOptions options;
    options.ignore_end_of_generation = true;
    FinishReason reason = FinishReason::none;
    for (const Event& event : session.generate(options)) reason = event.reason;
    CHECK(reason == FinishReason::cancelled);
    CHECK(tokens_of(session) ==
          std::vector<Token>(text.begin(), text.begin() + session.position()));
    options.max_tokens = static_cast<std::uint32_t>(text.size()) - session.position() - 8;
    for (const Event& event : session.generate(options)) (void)event;
    CHECK(tokens_of(session) ==
          std::vector<Token>(text.begin(), text.begin() + session.position()));
    CHECK(session.position() == text.size() - 8);
  }
}

TEST_CASE("a cancel at any moment of drafting and checking leaves no trace") {
  const Model model = load_tiny_pair(2);
  Session plain(model, with(Speculation::off(), session_options()));
  plain.append_tokens(random_tokens(30));
  for (int i = 0; i < 400; ++i) (void)plain.decode_step();
  const std::vector<Token> text = tokens_of(plain);
  plain.rewind(380);
  const auto oracle = std::make_shared<OracleDrafter>(text, 0.8);
  for (const Speculation& speculation :
       {Speculation::fixed(7).by(oracle), Speculation::fixed(7).by(DrafterKind::mtp),
        Speculation::fixed(7)}) {
    CAPTURE(static_cast<int>(speculation.drafter));
    Session session(model, with(speculation, session_options()));
    session.append_tokens(random_tokens(30));
    std::atomic<bool> stop{false};
    std::atomic<std::uint32_t> pause_us{1000};  // longer where steps are slow, or none would end
    std::thread canceller([&] {
      std::mt19937 random(1);
      while (!stop) {
        session.cancel();
        std::this_thread::sleep_for(std::chrono::microseconds(random() % pause_us));
      }
    });
    int cancelled = 0, steps = 0;
    while (session.position() < 380 && ++steps < 100000) {
      const bool stopped = code_of([&] { (void)session.decode_step(); }) == ErrorCode::cancelled;
      cancelled += stopped;
      pause_us = stopped ? pause_us + pause_us / 8 : std::max(1000u, pause_us - pause_us / 16);
    }
    stop = true;
    canceller.join();
    CHECK(cancelled > 0);
    CHECK(session.position() == 380);
    CHECK(tokens_of(session) == std::vector<Token>(text.begin(), text.begin() + 380));
    CHECK(same_bits(session.logits(), plain.logits()));
    while (session.position() < text.size()) (void)session.decode_step();
    CHECK(tokens_of(session) == text);
    CHECK(session.statistics().accepted > 0);
  }
}

TEST_CASE("a drafter hears what became of its drafts") {
  const Model model = load_tiny();
  const std::vector<Token> text = continuation(model);
  const auto oracle = std::make_shared<OracleDrafter>(text, 0.7, 3);
  Session session(model, with(Speculation::fixed(4).by(oracle), session_options()));
  session.append(Chat{}.user("What is 34 + 17?"));
  for (int i = 0; i < 40; ++i) (void)session.decode_step();
  session.rewind(session.position() - 5);
  session.rewind(session.position() - 2);
  const std::uint32_t lowest = session.position();
  (void)session.decode_step();
  (void)session.decode_step();
  const Statistics statistics = session.statistics();
  CHECK(oracle->rewinds == std::vector<std::uint32_t>{lowest});
  CHECK(oracle->accepted > 10);
  CHECK(oracle->rejected > 3);
  // all but the draft that is still being checked
  CHECK(statistics.drafted - oracle->drafted <= 4);
  CHECK(statistics.accepted - oracle->accepted <= 4);
}

TEST_CASE("statistics of speculation add up") {
  const Model model = load_tiny();
  const std::vector<Token> text = continuation(model);
  Session session(model, with(Speculation::fixed(4).by(std::make_shared<OracleDrafter>(text, 0.8)),
                              session_options()));
  session.append(Chat{}.user("What is 34 + 17?"));
  const std::uint32_t prompt = session.position();
  GenerateOptions options;
  options.ignore_end_of_generation = true;
  options.max_tokens = 40;
  for (const Event& event : session.generate(options)) (void)event;
  const Statistics s = session.statistics();
  CHECK(s.prefill_tokens == prompt);
  CHECK(s.decode_tokens == 39);  // the last token is not evaluated yet
  CHECK(s.decode_tokens == s.target_steps + s.accepted);
  CHECK(s.tokens_per_target_step() == doctest::Approx(39.0 / double(s.target_steps)));
  std::uint64_t drafted = 0, accepted = 0, passes = 0, depth_sum = 0;
  for (std::size_t i = 0; i < kMostDrafts; ++i) {
    drafted += s.offered_at[i];
    accepted += s.accepted_at[i];
    CHECK(s.accepted_at[i] <= s.offered_at[i]);
    if (i > 0) CHECK(s.accepted_at[i] <= s.accepted_at[i - 1]);
  }
  for (std::size_t k = 0; k <= kMostDrafts; ++k) {
    passes += s.depths[k];
    depth_sum += k * s.depths[k];
  }
  CHECK(drafted == s.drafted);
  CHECK(accepted == s.accepted);
  CHECK(passes == s.target_steps);
  CHECK(depth_sum == s.drafted);
  CHECK(s.offered_at[4] == 0);
  CHECK(s.depths[4] > 0);
  CHECK(s.draft_ns > 0);
  CHECK(s.verify_ns > 0);
  CHECK(s.draft_ns + s.verify_ns <= s.decode_ns);
  Session plain(model, with(Speculation::off(), session_options()));
  plain.append_tokens(random_tokens(10));
  for (int i = 0; i < 20; ++i) (void)plain.decode_step();
  CHECK(plain.statistics().speedup_over_plain() == doctest::Approx(1.0));
}

namespace {

/// Hands on what the session's own drafter says, up to a depth, and counts.
class Around final : public Drafter {
 public:
  explicit Around(std::uint32_t most) : most_(most) {}
  void propose(const DraftRequest& request, DraftSink& draft) override {
    struct Counting final : DraftSink {
      explicit Counting(DraftSink& to) : draft(to) {}
      bool add(Token token, float confidence) override {
        ++count;
        return draft.add(token, confidence);
      }
      DraftSink& draft;
      std::uint64_t count = 0;
    } counting(draft);
    own->propose(
        {request.tokens, request.sampling, request.position, std::min(request.most, most_)},
        counting);
    proposed += counting.count;
  }
  void verified(const DraftVerdict& verdict) override { own->verified(verdict); }
  void rewound(std::uint32_t position) override { own->rewound(position); }

  std::shared_ptr<Drafter> own;
  std::uint64_t proposed = 0;

 private:
  std::uint32_t most_;
};

}  // namespace

TEST_CASE("a drafter around the session's own sees and shortens its drafts") {
  const Model model = load_tiny(2, Isa::automatic,
                                GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-assistant-q4_0.gguf");
  const Seen expected = see(model, Speculation::off(), {});
  for (const DrafterKind kind :
       {DrafterKind::automatic, DrafterKind::mtp, DrafterKind::ngram, DrafterKind::custom}) {
    CAPTURE(static_cast<int>(kind));
    const auto custom = std::make_shared<OracleDrafter>(continuation(model));
    const auto around = std::make_shared<Around>(2);
    int calls = 0;
    Speculation speculation = Speculation::fixed(5).wrapped([&](std::shared_ptr<Drafter> own) {
      ++calls;
      around->own = std::move(own);
      return around;
    });
    speculation = kind == DrafterKind::custom ? speculation.by(custom) : speculation.by(kind);
    CHECK((see(model, speculation, {}) == expected));
    CHECK(calls == 1);
    CHECK((around->own == custom) == (kind == DrafterKind::custom));
    if (kind != DrafterKind::ngram) CHECK(around->proposed > 0);

    Session session(model, with(speculation, session_options()));
    session.append(Chat{}.user("What is 34 + 17?"));
    for (const Event& event : session.generate()) (void)event;
    const Statistics statistics = session.statistics();
    if (kind != DrafterKind::ngram) CHECK(statistics.depths[2] > 0);
    for (std::size_t k = 3; k <= kMostDrafts; ++k) CHECK(statistics.depths[k] == 0);
  }
}

TEST_CASE("a session that never drafts wraps nothing, and a wrap must give a drafter") {
  const Model model = load_tiny();
  int calls = 0;
  const auto nothing = [&](std::shared_ptr<Drafter>) {
    ++calls;
    return std::shared_ptr<Drafter>();
  };
  Session session(model, with(Speculation::off().wrapped(nothing), session_options()));
  session.append(Chat{}.user("What is 34 + 17?"));
  (void)session.decode_step();
  CHECK(calls == 0);
  CHECK(code_of([&] {
          Session refused(model,
                          with(Speculation::automatic().wrapped(nothing), session_options()));
        }) == ErrorCode::invalid_argument);
  CHECK(calls == 1);
}

}  // namespace gemma4
