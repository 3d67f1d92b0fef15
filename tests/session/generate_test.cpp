// How an answer ends.
#include <doctest/doctest.h>

#include <string>

#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

struct Answer {
  std::string text, thinking;
  FinishReason reason = FinishReason::none;
  int ends = 0;
};

Answer generate(Session& session, const GenerateOptions& options) {
  Answer answer;
  for (const Event& event : session.generate(options)) {
    CHECK(answer.ends == 0);  // nothing follows the end
    if (event.kind == Event::Kind::text) answer.text += event.text;
    if (event.kind == Event::Kind::thinking) answer.thinking += event.text;
    if (event.kind == Event::Kind::end) {
      answer.reason = event.reason;
      ++answer.ends;
    }
  }
  CHECK(answer.ends == 1);
  return answer;
}

Answer ask(const Model& model, const std::string& question, const GenerateOptions& options) {
  Session session(model, session_options());
  session.append(Chat{}.user(question));
  return generate(session, options);
}

const std::string kQuestion = "What is 34 + 17?";

}  // namespace

TEST_CASE("an answer ends when the model ends its turn") {
  const Model model = load_tiny();
  const Answer answer = ask(model, kQuestion, {});
  CHECK(answer.text == "34 + 17 = 51.");
  CHECK(answer.reason == FinishReason::stop);
}

TEST_CASE("max_tokens ends an answer after exactly that many") {
  const Model model = load_tiny();
  for (const std::uint32_t limit : {1u, 2u, 7u}) {
    CAPTURE(limit);
    Session session(model, session_options());
    session.append_text("Once upon a time");
    const std::uint32_t before = session.position();
    GenerateOptions options;
    options.max_tokens = limit;
    CHECK(generate(session, options).reason == FinishReason::length);
    CHECK(session.position() == before + limit);
  }
}

TEST_CASE("pieces of an answer put together are the answer in one piece") {
  const Model model = load_tiny();
  GenerateOptions options;
  options.max_tokens = 40;
  options.ignore_end_of_generation = true;
  Session whole(model, session_options()), parts(model, session_options());
  whole.append_text("Once upon a time");
  parts.append_text("Once upon a time");
  const std::string expected = generate(whole, options).text;
  std::string text;
  options.max_tokens = 1;
  for (int i = 0; i < 40; ++i) text += generate(parts, options).text;
  CHECK(tokens_of(parts) == tokens_of(whole));
  CHECK(text == expected);
}

TEST_CASE("a stop text ends the answer before it, wherever it lies") {
  const Model model = load_tiny();
  const std::string whole = ask(model, kQuestion, {}).text;
  REQUIRE(whole.size() > 8);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const std::size_t length : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
      GenerateOptions options;
      options.stop = {"not in there", whole.substr(at, length)};
      CAPTURE(options.stop[1]);
      const Answer answer = ask(model, kQuestion, options);
      CHECK(answer.text == whole.substr(0, whole.find(options.stop[1])));
      CHECK(answer.reason == FinishReason::stop_text);
    }
  }
  GenerateOptions options;
  options.stop = {whole + "more", "51!"};  // both begin like the answer's end
  const Answer answer = ask(model, kQuestion, options);
  CHECK(answer.text == whole);
  CHECK(answer.reason == FinishReason::stop);
}

TEST_CASE("an answer ends when the context is full") {
  const Model model = load_tiny();
  Session session(model, session_options(KvType::f16, 0, 30));
  session.append_tokens(random_tokens(20));
  GenerateOptions options;
  options.ignore_end_of_generation = true;
  CHECK(generate(session, options).reason == FinishReason::context_full);
  CHECK(session.position() == 30);
  CHECK(generate(session, options).reason == FinishReason::context_full);
  CHECK_NOTHROW(session.logits());
  session.rewind(25);
  CHECK(generate(session, options).reason == FinishReason::context_full);
  CHECK(session.position() == 30);
}

TEST_CASE("generate chooses as decode_step does") {
  const Model model = load_tiny();
  GenerateOptions options;
  options.temperature = 0.9f;
  options.top_p = 0.9f;
  options.seed = 4;
  options.frequency_penalty = 0.2f;
  options.max_tokens = 100;
  options.ignore_end_of_generation = true;
  Session generated(model, session_options()), stepped(model, session_options());
  generated.append_tokens(random_tokens(70));
  stepped.append_tokens(random_tokens(70));
  (void)generate(generated, options);
  for (int i = 0; i < 100; ++i) (void)stepped.decode_step(options);
  CHECK(tokens_of(generated) == tokens_of(stepped));
}

TEST_CASE("statistics count what was done") {
  const Model model = load_tiny();
  SessionOptions plain = session_options();
  plain.speculation = Speculation::off();
  Session session(model, plain);
  session.append_tokens(random_tokens(70));
  GenerateOptions options;
  options.max_tokens = 11;
  options.ignore_end_of_generation = true;
  (void)generate(session, options);
  const Statistics statistics = session.statistics();
  CHECK(statistics.prefill_tokens == 70);
  CHECK(statistics.decode_tokens == 10);  // the last token is not evaluated yet
  CHECK(statistics.target_steps == 10);
  CHECK(statistics.drafted == 0);
}

}  // namespace gemma4
