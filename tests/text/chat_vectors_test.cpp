// Whole conversations against prompts that Jinja engines rendered from the official templates.
#include "text/chat_format.hpp"
#include "text/fixtures.hpp"

namespace gemma4::test {
namespace {

bool flag_of(simdjson::dom::element test, const char* name) {
  bool value = false;
  return test[name].get(value) == simdjson::SUCCESS && value;
}

/// The case's messages and tools, as a caller would send them.
std::string request_of(simdjson::dom::element test) {
  std::string json = "{\"messages\":" + simdjson::minify(test["messages"].value());
  simdjson::dom::element tools;
  if (test["tools"].get(tools) == simdjson::SUCCESS)
    json += ",\"tools\":" + simdjson::minify(tools);
  return json + "}";
}

Chat chat_of(simdjson::dom::element test) {
  Chat chat = Chat::from_json(request_of(test));
  chat.thinking(flag_of(test, "enable_thinking"));
  chat.generation_prompt(flag_of(test, "add_generation_prompt"));
  return chat;
}

void check_prompt(const Chat& chat, const std::string& expected, const Tokenizer::Impl& tokenizer) {
  const RenderedChat prompt = render_chat(chat, ChatStyle(), tokenizer);
  CHECK(prompt.text == expected);
  CHECK(prompt.tokens == encode(tokenizer, expected, SpecialTokens::all));
}

}  // namespace

TEST_CASE("the tiny model's chats give the reference's text and ids") {
  simdjson::dom::parser parser;
  for (const auto test : golden(parser, "chat.json")["cases"].get_array()) {
    const RenderedChat prompt = render_chat(chat_of(test), chat_style_of(tiny()), tiny());
    CHECK(prompt.text == string_of(test["prompt"]));
    CHECK(prompt.tokens == ids_of(test["ids"]));
  }
}

TEST_CASE("the template vectors, revision C, large models") {
  const Tokenizer::Impl* real = real_or_skip();  // the tiny vocabulary is checked in any case
  simdjson::dom::parser parser;
  int rendered = 0, refused = 0;
  for (const auto test : golden(parser, "chat-template-vectors.json").get_array()) {
    const std::string name = string_of(test["name"]);
    CAPTURE(name);
    if (name == "7 image") {
      const std::string message = refusal(ErrorCode::unsupported, [&] { chat_of(test); });
      CHECK(contains(message, "messages[0].content[1].type: expected \"text\", found \"image\""));
      ++refused;
      continue;
    }
    std::string_view expected;
    if (test["expected_C"].get(expected) != simdjson::SUCCESS) expected = test["expected"];
    // The template closes the turn here and opens none for the model to answer in; like llama.cpp
    // we open it.
    const bool unanswerable = name == "5g content + call + resp";
    const std::string prompt = std::string(expected) + (unanswerable ? "<|turn>model\n" : "");
    check_prompt(chat_of(test), prompt, tiny());
    if (real != nullptr) check_prompt(chat_of(test), prompt, *real);
    ++rendered;
  }
  CHECK(rendered == 28);
  CHECK(refused == 1);
}

}  // namespace gemma4::test
