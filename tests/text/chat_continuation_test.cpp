// Messages that continue a context: what the session already holds decides how they begin.
#include "text/chat_format.hpp"
#include "text/fixtures.hpp"

namespace gemma4::test {
namespace {

const std::string kEmptyThought = "<|channel>thought\n<channel|>";
const std::string kQuestion = "<bos><|turn>user\nHi<turn|>\n<|turn>model\n";

std::string continued(const std::string& context, const Chat& chat) {
  const std::vector<Token> tokens = encode(tiny(), context, SpecialTokens::all);
  const RenderedChat more = render_continuation(chat, {}, tiny(), tokens);
  CHECK(more.tokens == encode(tiny(), more.text, SpecialTokens::all));
  return more.text;
}

}  // namespace

TEST_CASE("after an answer that ended its turn") {
  CHECK(continued(kQuestion + "Hello<turn|>", Chat().user("Bye")) ==
        "\n<|turn>user\nBye<turn|>\n<|turn>model\n" + kEmptyThought);
}

TEST_CASE("a continuation is what the whole conversation would have been") {
  const Chat first = Chat().user("Hi");
  const RenderedChat prompt = render_chat(first, {}, tiny());
  std::vector<Token> context = prompt.tokens;
  for (const Token token : encode(tiny(), "Hello<turn|>", SpecialTokens::all))
    context.push_back(token);
  const RenderedChat more = render_continuation(Chat().user("Bye"), {}, tiny(), context);
  const std::string whole =
      render_chat(Chat().user("Hi").assistant("Hello").user("Bye"), {}, tiny()).text;
  // The empty thought of the generation prompt stays, as it was evaluated.
  CHECK(kQuestion + "Hello<turn|>" + more.text == whole);
}

TEST_CASE("after a turn that is closed to its newline") {
  CHECK(continued("<bos><|turn>user\nHi<turn|>\n", Chat().user("Bye").generation_prompt(false)) ==
        "<|turn>user\nBye<turn|>\n");
}

TEST_CASE("after an answer that was cut off") {
  CHECK(continued(kQuestion + "Hel", Chat().user("Bye").generation_prompt(false)) ==
        "<turn|>\n<|turn>user\nBye<turn|>\n");
  CHECK(continued(kQuestion + "Hel<eos>", Chat().user("Bye").generation_prompt(false)) ==
        "<turn|>\n<|turn>user\nBye<turn|>\n");
}

TEST_CASE("after a thought that was cut off") {
  const Chat chat = Chat().user("Bye").generation_prompt(false);
  const std::string rest = "<channel|><turn|>\n<|turn>user\nBye<turn|>\n";
  CHECK(continued(kQuestion + "<|channel>thought\nWell", chat) == "\n" + rest);
  CHECK(continued(kQuestion + "<|channel>thought\nWell\n", chat) == rest);
}

TEST_CASE("an assistant message goes on in the model's open turn") {
  CHECK(continued(kQuestion + "Hel", Chat().assistant("lo").generation_prompt(false)) ==
        "lo<turn|>\n");
  CHECK(continued(kQuestion + "Hello<turn|>", Chat().assistant("you").generation_prompt(false)) ==
        "\n<|turn>model\nyou<turn|>\n");
}

TEST_CASE("tool messages answer the call that the context ends in") {
  const std::string call = kQuestion + "<|tool_call>call:f{}<tool_call|>";
  const std::string answer = "response:f{value:<|\"|>7<|\"|>}<tool_response|>";
  const Chat chat = Chat().tool("f", "7");
  CHECK(continued(call + "<|tool_response>", chat) == answer);
  CHECK(continued(call, chat) == "<|tool_response>" + answer);
  CHECK(continued(call, Chat(chat).thinking(true)) ==
        "<|tool_response>" + answer + "<|channel>thought\n");
}

TEST_CASE("answers without a name belong to the calls in their order") {
  Message answer;
  answer.role = "tool";
  answer.tool_call_id = "call_1";
  answer.content = "x";
  const std::string calls = "<|tool_call>call:f{}<tool_call|><|tool_call>call:g{a:1}<tool_call|>";
  const std::string text =
      continued(kQuestion + calls + "<|tool_response>", Chat().add(answer).add(answer).add(answer));
  const std::string value = "{value:<|\"|>x<|\"|>}<tool_response|>";
  CHECK(text == "response:f" + value + "<|tool_response>response:g" + value +
                    "<|tool_response>response:unknown" + value);
}

TEST_CASE("after results the conversation may go on in any way") {
  const std::string call = kQuestion + "<|tool_call>call:f{}<tool_call|><|tool_response>";
  const std::string answer = "response:f{value:<|\"|>7<|\"|>}<tool_response|>";
  CHECK(continued(call, Chat().tool("f", "7").assistant("It is 7.").user("Thanks")) ==
        answer + "It is 7.<turn|>\n<|turn>user\nThanks<turn|>\n<|turn>model\n" + kEmptyThought);
  CHECK(continued(call, Chat().tool("f", "7").user("Thanks").generation_prompt(false)) ==
        answer + "<turn|>\n<|turn>user\nThanks<turn|>\n");
}

TEST_CASE("a call that nobody answers is closed") {
  CHECK(continued(kQuestion + "<|tool_call>call:f{}<tool_call|><|tool_response>",
                  Chat().user("Never mind").generation_prompt(false)) ==
        "<turn|>\n<|turn>user\nNever mind<turn|>\n");
}

TEST_CASE("tool messages need a call") {
  const std::vector<Token> context = encode(tiny(), kQuestion + "Hello<turn|>", SpecialTokens::all);
  CHECK(contains(refusal(ErrorCode::invalid_argument,
                         [&] { render_continuation(Chat().tool("f", "7"), {}, tiny(), context); }),
                 "messages[0]: a tool message without a call before it"));
  const std::vector<Token> call =
      encode(tiny(), kQuestion + "<|tool_call>call:f{}<tool_call|>", SpecialTokens::all);
  const Chat late = Chat().declare_tool(R"({"name":"g"})").tool("f", "7");
  CHECK(contains(
      refusal(ErrorCode::invalid_argument, [&] { render_continuation(late, {}, tiny(), call); }),
      "tools cannot be declared between a call and its result"));
}

TEST_CASE("system turns, tools and thinking may come later") {
  const std::string closed = "<bos><|turn>user\nHi<turn|>\n";
  CHECK(continued(closed, Chat().system("Be brief.").user("Bye").generation_prompt(false)) ==
        "<|turn>system\nBe brief.<turn|>\n<|turn>user\nBye<turn|>\n");
  CHECK(continued(closed,
                  Chat().declare_tool(R"({"name":"g"})").user("Bye").generation_prompt(false)) ==
        "<|turn>system\n<|tool>declaration:g{description:<|\"|><|\"|>}<tool|><turn|>\n"
        "<|turn>user\nBye<turn|>\n");
  CHECK(continued(closed, Chat().user("Bye").thinking(true)) ==
        "<|turn>system\n<|think|>\n<turn|>\n<|turn>user\nBye<turn|>\n<|turn>model\n");
  CHECK(continued("<bos><|turn>system\n<|think|>\n<turn|>\n<|turn>user\nHi<turn|>\n",
                  Chat().user("Bye").thinking(true)) == "<|turn>user\nBye<turn|>\n<|turn>model\n");
}

TEST_CASE("raw text as context") {
  CHECK(continued("<bos>Once upon a time", Chat().user("Go on").generation_prompt(false)) ==
        "<|turn>user\nGo on<turn|>\n");
  CHECK(continued("<bos><|turn>user\nHi", Chat().assistant("x").generation_prompt(false)) ==
        "<turn|>\n<|turn>model\nx<turn|>\n");
}

}  // namespace gemma4::test
