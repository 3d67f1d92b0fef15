// Conversations from OpenAI-style JSON, and what is refused.
#include "gemma4/chat.hpp"
#include "text/fixtures.hpp"

namespace gemma4::test {
namespace {

std::string json_refusal(const std::string& json) {
  return refusal(ErrorCode::invalid_argument, [&] { Chat::from_json(json); });
}

std::string one_message(const std::string& members) {
  return "[{\"role\":\"user\"," + members + "}]";
}

/// {"a":{"a":...}} of `depth` levels.
std::string nested(int depth) {
  std::string json = "1";
  for (int i = 0; i < depth; ++i) json = "{\"a\":" + json + "}";
  return json;
}

}  // namespace

TEST_CASE("messages as an array or in an object") {
  for (const char* json : {R"([{"role":"system","content":"S"},{"role":"user","content":"U"}])",
                           R"({"model":"x","messages":[{"role":"system","content":"S"},
                               {"role":"user","content":"U","extra":[1]}],"tools":null})"}) {
    const Chat chat = Chat::from_json(json);
    REQUIRE(chat.messages().size() == 2);
    CHECK(chat.messages()[0].role == "system");
    CHECK(chat.messages()[1].content == "U");
    CHECK(chat.tools().empty());
    CHECK_FALSE(chat.thinking());
    CHECK(chat.generation_prompt());
  }
}

TEST_CASE("an assistant message with everything") {
  const Chat chat = Chat::from_json(R"([{"role":"assistant","content":null,"reasoning":null,
    "reasoning_content":"why","tool_calls":[
      {"id":"c1","type":"function","function":{"name":"f","arguments":{"b":[1, 2.50]}}},
      {"function":{"name":"g","arguments":"{\"q\": \"x\"}"}},
      {"function":{"name":"h","arguments":""}},
      {"function":{"name":"i"}}],
    "tool_responses":[{"name":"f","response":{"ok": true}},{"response":null}]},
    {"role":"tool","tool_call_id":"c1","name":"f","content":[{"type":"text","text":" 7 "},"8"]}])");
  const Message& message = chat.messages()[0];
  CHECK(message.content.empty());
  CHECK(message.reasoning == "why");
  REQUIRE(message.tool_calls.size() == 4);
  CHECK(message.tool_calls[0].id == "c1");
  CHECK(message.tool_calls[0].arguments == R"({"b":[1,2.5]})");
  CHECK(message.tool_calls[1].arguments == R"({"q": "x"})");
  CHECK(message.tool_calls[2].arguments == "{}");
  CHECK(message.tool_calls[3].arguments == "{}");
  REQUIRE(message.tool_responses.size() == 2);
  CHECK(message.tool_responses[0].response == R"({"ok":true})");
  CHECK(message.tool_responses[1].response == "null");
  CHECK(chat.messages()[1].tool_call_id == "c1");
  CHECK(chat.messages()[1].name == "f");
  CHECK(chat.messages()[1].content == " 7 8");
}

TEST_CASE("parts of a content list are put together as the template does") {
  const auto content = [](const std::string& role) {
    return Chat::from_json("[{\"role\":\"" + role + R"(","content":[{"type":"text","text":" a "},
      {"type":"text","text":"b "},{"type":"text"}]}])")
        .messages()[0]
        .content;
  };
  CHECK(content("user") == "ab");
  CHECK(content("system") == "a b ");
  CHECK(content("assistant") == "ab");
}

TEST_CASE("wrong kinds are refused and the place is named") {
  CHECK(contains(json_refusal("{"), "chat: not JSON"));
  CHECK(contains(json_refusal(""), "chat: not JSON"));
  CHECK(contains(json_refusal("\"x\""), "expected an array of messages or an object"));
  CHECK(contains(json_refusal("{}"), "messages: missing"));
  CHECK(contains(json_refusal("{\"messages\":3}"), "messages: expected an array, found a number"));
  CHECK(contains(json_refusal("[7]"), "messages[0]: expected an object, found a number"));
  CHECK(contains(json_refusal("[{}]"), "messages[0].role is missing or empty"));
  CHECK(contains(json_refusal("[{\"role\":[]}]"),
                 "messages[0].role: expected a string, found an array"));
  CHECK(contains(json_refusal(one_message("\"content\":{}")),
                 "messages[0].content: expected a string or an array of parts, found an object"));
  CHECK(contains(json_refusal(one_message("\"content\":[1]")),
                 "messages[0].content[0]: expected an object, found a number"));
  CHECK(contains(json_refusal(one_message("\"content\":[{\"type\":\"poem\"}]")),
                 "messages[0].content[0].type: expected \"text\", found \"poem\""));
  CHECK(contains(json_refusal(one_message("\"content\":[{\"type\":\"text\",\"text\":1}]")),
                 "messages[0].content[0].text: expected a string, found a number"));
  CHECK(contains(json_refusal(one_message("\"reasoning\":false")),
                 "messages[0].reasoning: expected a string, found a boolean"));
  CHECK(contains(json_refusal(one_message("\"tool_calls\":{}")),
                 "messages[0].tool_calls: expected an array"));
  CHECK(contains(json_refusal(one_message("\"tool_calls\":[{}]")),
                 "messages[0].tool_calls[0].function is missing"));
  CHECK(contains(json_refusal(one_message("\"tool_calls\":[{\"function\":{}}]")),
                 "messages[0].tool_calls[0].function.name is missing or empty"));
  for (const char* arguments : {"[]", "\"[]\"", "3", "\"{\""}) {
    CHECK(contains(
        json_refusal(one_message("\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":" +
                                 std::string(arguments) + "}}]")),
        "messages[0].tool_calls[0].function.arguments: "));
  }
  CHECK(contains(json_refusal("[{\"role\":\"user\",\"content\":\"\xff\"}]"), "not JSON"));
}

TEST_CASE("media parts are unsupported") {
  for (const char* type : {"image", "image_url", "input_audio", "audio", "video", "file"}) {
    const std::string json = one_message("\"content\":[{\"type\":\"" + std::string(type) + "\"}]");
    CHECK(contains(refusal(ErrorCode::unsupported, [&] { Chat::from_json(json); }),
                   "messages[0].content[0].type"));
  }
}

TEST_CASE("tools, bare or wrapped") {
  Chat chat;
  chat.declare_tool(R"({"type":"function","function":{"name":"f","description":"d"}})")
      .declare_tool(R"({"name":"g","parameters":{}})");
  REQUIRE(chat.tools().size() == 2);
  CHECK(chat.tools()[0] == R"({"name":"f","description":"d"})");
  CHECK(chat.tools()[1] == R"({"name":"g","parameters":{}})");
  const auto message = [](const char* tool) {
    return refusal(ErrorCode::invalid_argument, [&] { Chat().declare_tool(tool); });
  };
  CHECK(contains(message("[]"), "tool: expected an object, found an array"));
  CHECK(contains(message("{}"), "tool.name is missing or empty"));
  CHECK(contains(message(R"({"function":{"name":""}})"), "tool.function.name is missing or empty"));
  CHECK(
      contains(message(R"({"name":"f","parameters":[]})"), "tool.parameters: expected an object"));
  CHECK(
      contains(message(R"({"name":"f","description":1})"), "tool.description: expected a string"));
  CHECK(contains(json_refusal(R"({"messages":[],"tools":[{"name":"f"},1]})"),
                 "tools[1]: expected an object, found a number"));
}

TEST_CASE("nesting is limited") {
  const std::string call =
      "[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":";
  CHECK_NOTHROW(Chat::from_json(call + nested(50) + "}}]}]"));
  CHECK(contains(json_refusal(call + nested(64) + "}}]}]"), "nested at most"));
  CHECK(contains(json_refusal(std::string(1000000, '[')), "chat: not JSON"));
  CHECK_NOTHROW(Chat().declare_tool("{\"name\":\"f\",\"parameters\":" + nested(60) + "}"));
  CHECK_THROWS_AS(Chat().declare_tool("{\"name\":\"f\",\"parameters\":" + nested(64) + "}"), Error);
}

TEST_CASE("a conversation built by hand") {
  Message call;
  call.role = "assistant";
  call.tool_calls.push_back({"f", "{}", "id"});
  const Chat chat = Chat()
                        .system("s")
                        .user("u")
                        .add(call)
                        .tool("f", "7")
                        .assistant("a")
                        .thinking(true)
                        .preserve_thinking(true)
                        .generation_prompt(false);
  REQUIRE(chat.messages().size() == 5);
  CHECK(chat.messages()[3].role == "tool");
  CHECK(chat.messages()[3].name == "f");
  CHECK(chat.messages()[3].content == "7");
  CHECK(chat.thinking());
  CHECK(chat.preserve_thinking());
  CHECK_FALSE(chat.generation_prompt());
}

}  // namespace gemma4::test
