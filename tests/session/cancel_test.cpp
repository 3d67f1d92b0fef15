// Cancellation at any moment leaves a session that goes on with the same bits.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode{};
}

LogitRows uncancelled(const Model& model, const std::vector<Token>& tokens) {
  Session session(model, session_options());
  return prefill_rows(session, tokens);
}

// Calls cancel() without pause from another thread, from construction to destruction.
class Canceller {
 public:
  explicit Canceller(Session& session)
      : thread_([this, &session] {
          while (!stop_) {
            session.cancel();
            ++calls_;
            std::this_thread::yield();
          }
        }) {
    while (calls_ == 0) std::this_thread::yield();
  }
  ~Canceller() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int> calls_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a progress callback stops a prefill, and the next one goes on from there") {
  const Model model = load_tiny();
  const std::vector<Token> tokens = random_tokens(500);
  Session session(model, session_options(KvType::f16, 16));
  session.append_tokens(tokens);
  std::vector<std::uint32_t> seen;
  CHECK(code_of([&] {
          session.prefill([&](std::uint32_t done, std::uint32_t total) {
            CHECK(total == 500);
            seen.push_back(done);
            return done < 160;
          });
        }) == ErrorCode::cancelled);
  REQUIRE(seen.size() == 10);
  CHECK(seen.front() == 16);
  CHECK(seen.back() == 160);
  CHECK(session.position() == 500);
  CHECK(session.statistics().prefill_tokens == 160);
  CHECK(same_bits(session.logits(), uncancelled(model, tokens).row(499)));
  CHECK(session.statistics().prefill_tokens == 500);
}

TEST_CASE("cancel() from another thread ends a prefill between two chunks") {
  const Model model = load_tiny();
  const std::vector<Token> tokens = random_tokens(500);
  Session session(model, session_options(KvType::f16, 16));
  session.append_tokens(tokens);
  std::uint32_t last_done = 0;
  CHECK(code_of([&] {
          session.prefill([&](std::uint32_t done, std::uint32_t) {
            last_done = done;
            if (done == 64) std::thread([&] { session.cancel(); }).join();
            return true;
          });
        }) == ErrorCode::cancelled);
  CHECK(last_done == 64);
  CHECK(same_bits(session.logits(), uncancelled(model, tokens).row(499)));
}

TEST_CASE("cancel() at any moment of an evaluation leaves no trace") {
  const Model model = load_tiny(2);
  const std::vector<Token> tokens = random_tokens(800);
  const LogitRows expected = uncancelled(model, tokens);
  Session session(model, session_options(KvType::f16, 64));
  int cancelled = 0;
  for (int round = 0; round < 20; ++round) {
    CAPTURE(round);
    // Different places: the chunk that is interrupted lies in the window of what is evaluated
    // afterwards.
    session.rewind(
        static_cast<std::uint32_t>(std::min<std::size_t>(session.position(), round * 29)));
    session.append_tokens(
        std::span(tokens).subspan(session.position(), 120 + round - (session.position() > 460)));
    {
      const Canceller canceller(session);
      cancelled += code_of([&] { session.prefill(); }) == ErrorCode::cancelled;
    }
    const std::size_t last = session.position() - 1;
    REQUIRE(same_bits(session.logits(), expected.row(last)));
  }
  CHECK(cancelled > 0);
}

TEST_CASE("cancel() from another thread ends a generation, and the next one continues it") {
  const Model model = load_tiny();
  GenerateOptions options;
  options.ignore_end_of_generation = true;
  options.max_tokens = 60;
  Session whole(model, session_options());
  whole.append_tokens(random_tokens(90));
  for (const Event& event : whole.generate(options)) (void)event;
  REQUIRE(whole.position() == 150);

  Session session(model, session_options());
  session.append_tokens(random_tokens(90));
  FinishReason reason = FinishReason::none;
  int events = 0;
  for (const Event& event : session.generate(options)) {
    if (event.kind == Event::Kind::end) reason = event.reason;
    if (++events == 5) std::thread([&] { session.cancel(); }).join();
  }
  CHECK(reason == FinishReason::cancelled);
  const std::uint32_t done = session.position() - 90;
  CHECK(done >= 1);
  CHECK(done < 60);
  options.max_tokens = 60 - done;
  for (const Event& event : session.generate(options)) (void)event;
  CHECK(tokens_of(session) == tokens_of(whole));
  CHECK(same_bits(session.logits(), whole.logits()));
}

TEST_CASE("cancel() while nothing runs has no effect") {
  const Model model = load_tiny();
  Session session(model, session_options());
  session.append_tokens(random_tokens(20));
  session.cancel();
  CHECK_NOTHROW(session.prefill());
  session.cancel();
  CHECK_NOTHROW(session.logits());
  session.cancel();
  CHECK_NOTHROW((void)session.decode_step());
  session.cancel();
  GenerateOptions options;
  options.max_tokens = 3;
  options.ignore_end_of_generation = true;
  FinishReason reason = FinishReason::none;
  for (const Event& event : session.generate(options)) reason = event.reason;
  CHECK(reason == FinishReason::length);
}

TEST_CASE("leaving the loop early keeps the tokens and ends the generation") {
  const Model model = load_tiny();
  Session session(model, session_options());
  session.append_tokens(random_tokens(20));
  GenerateOptions options;
  options.ignore_end_of_generation = true;
  for (const Event& event : session.generate(options)) {
    (void)event;
    if (session.position() >= 30) break;
  }
  const std::vector<Token> kept = tokens_of(session);
  CHECK(kept.size() >= 30);
  CHECK(kept.size() < 40);
  Session again(model, session_options());
  again.append_tokens(kept);
  CHECK(same_bits(session.logits(), again.logits()));
}

}  // namespace gemma4
