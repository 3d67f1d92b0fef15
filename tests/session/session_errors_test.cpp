// What is refused, with which code and message, and that the session lives on.
#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "session/refusals.hpp"
#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

}  // namespace

TEST_CASE("an empty context has no next token") {
  const Model model = load_tiny();
  Session session(model, session_options());
  CHECK_REFUSED((void)session.generate(), "invalid_argument", "generate");
  CHECK_REFUSED((void)session.logits(), "invalid_argument", "logits");
  CHECK_REFUSED((void)session.decode_step(), "invalid_argument", "decode_step");
  CHECK(session.position() == 0);
  CHECK_NOTHROW(session.prefill());
  session.append_tokens(random_tokens(5));
  CHECK_NOTHROW((void)session.decode_step());
}

TEST_CASE("tokens outside the vocabulary are refused and nothing is added") {
  const Model model = load_tiny();
  Session session(model, session_options());
  session.append_tokens(random_tokens(5));
  const std::vector<Token> negative = {3, -1}, large = {3, 4, 1536};
  CHECK_REFUSED(session.append_tokens(negative), "invalid_argument", "1535", "-1");
  CHECK_REFUSED(session.append_tokens(large), "invalid_argument", "1535", "1536");
  CHECK_REFUSED(session.prefill_tokens(large, [](std::uint32_t, std::span<const float>) {}),
                "invalid_argument", "1536");
  CHECK(session.position() == 5);
}

TEST_CASE("what does not fit into the context is refused and nothing is added") {
  const Model model = load_tiny();
  Session session(model, session_options(KvType::f16, 0, 16));
  session.append_tokens(random_tokens(10));
  CHECK_REFUSED(session.append_tokens(random_tokens(7)), "context_full", "16", "10", "7");
  CHECK_REFUSED(session.append_text("a text of many more than just six tokens, surely"),
                "context_full");
  CHECK_REFUSED(session.append(Chat{}.user("Hello")), "context_full");
  CHECK(session.position() == 10);
  session.append_tokens(random_tokens(6));
  CHECK_REFUSED((void)session.decode_step(), "context_full", "16");
  CHECK(session.position() == 16);
  CHECK_NOTHROW((void)session.logits());
}

TEST_CASE("options outside their ranges are refused by name") {
  const Model model = load_tiny();
  const auto create = [&](auto change) {
    SessionOptions options;
    change(options);
    Session session(model, options);
  };
  CHECK_REFUSED(create([](auto& o) { o.context_tokens = 1u << 30; }), "invalid_argument",
                "context_tokens");
  CHECK_REFUSED(create([](auto& o) { o.prefill_chunk_tokens = 257; }), "invalid_argument",
                "prefill_chunk_tokens", "257");
  CHECK_REFUSED(create([](auto& o) { o.kv = static_cast<KvType>(9); }), "invalid_argument", "kv",
                "9");

  Session session(model, session_options());
  session.append_tokens(random_tokens(5));
  GenerateOptions options;
  options.top_p = 2;
  CHECK_REFUSED((void)session.generate(options), "invalid_argument", "top_p", "2");
  CHECK_REFUSED((void)session.decode_step(options), "invalid_argument", "top_p");
  options = {};
  options.stop = {""};
  CHECK_REFUSED((void)session.generate(options), "invalid_argument", "stop");
  options = {};
  options.suppress = {1536};
  CHECK_REFUSED((void)session.generate(options), "invalid_argument", "suppress", "1536");
  CHECK_REFUSED(session.rewind(6), "invalid_argument", "position", "6");
  CHECK(session.position() == 5);
}

TEST_CASE("a model that cannot be loaded says why") {
  LoadOptions options;
  CHECK_REFUSED(Model::load("/nonexistent/model.gguf"), "io", "/nonexistent/model.gguf");
  options.threads = -1;
  CHECK_REFUSED(Model::load(tiny_path(), options), "invalid_argument", "threads", "-1");
  options = {};
  options.memory_budget_bytes = 1000;
  CHECK_REFUSED(Model::load(tiny_path(), options), "budget_exceeded", "1000");
  options = {};
  int calls = 0;
  options.on_progress = [&](const LoadProgress& progress) {
    CHECK(progress.done_bytes <= progress.total_bytes);
    return ++calls < 3;
  };
  CHECK_REFUSED(Model::load(tiny_path(), options), "cancelled");
  CHECK(calls == 3);
  options = {};
  std::stop_source stop;
  stop.request_stop();
  options.stop = stop.get_token();
  CHECK_REFUSED(Model::load(tiny_path(), options), "cancelled");
}

TEST_CASE("sessions keep their model alive") {
  std::unique_ptr<Session> session;
  {
    const Model model = load_tiny();
    session = std::make_unique<Session>(model, session_options());
  }
  session->append_tokens(random_tokens(10));
  CHECK_NOTHROW((void)session->decode_step());
  Session moved = std::move(*session);
  session.reset();
  CHECK_NOTHROW((void)moved.decode_step());
  CHECK(moved.position() == 12);
}

}  // namespace gemma4
