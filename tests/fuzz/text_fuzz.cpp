// Any bytes as a text to encode, as a conversation in JSON, and as an answer of the model.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/error.hpp"
#include "io/gguf.hpp"
#include "text/answer_parser.hpp"
#include "text/chat_format.hpp"
#include "text/utf8.hpp"

namespace gemma4 {
namespace {

const Tokenizer::Impl& tokenizer() {
  static const auto impl = Tokenizer::Impl::from_metadata(
      open_gguf(GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf").metadata);
  return *impl;
}

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<Token> encoded(std::string_view text, SpecialTokens special) {
  std::vector<Token> tokens;
  tokenizer().encode(text, special, tokens);
  return tokens;
}

void check_round_trip(std::string_view text) {
  for (const SpecialTokens special :
       {SpecialTokens::none, SpecialTokens::user_defined, SpecialTokens::all}) {
    std::string back;
    for (const Token token : encoded(text, special)) {
      require(special != SpecialTokens::none || !tokenizer().is_special(token));
      back += tokenizer().piece(token, true);
    }
    // U+2581 decodes as the space it stands for.
    require(back == text || text.find("\xe2\x96\x81") != std::string_view::npos);
  }
}

void check_chat(std::string_view json, std::span<const Token> context) {
  try {
    Chat chat = Chat::from_json(json);
    chat.thinking(json.size() % 2 == 0);
    for (const bool history : {false, true}) {
      const ChatStyle style{.empty_thought_when_off = !history,
                            .empty_thought_in_history = history};
      require(render_chat(chat, style, tokenizer()).tokens.front() ==
              tokenizer().special_ids().bos);
      render_continuation(chat, style, tokenizer(), context);
    }
  } catch (const Error& error) {
    require(error.code() == ErrorCode::invalid_argument || error.code() == ErrorCode::unsupported);
  }
}

void check_answer(std::span<const Token> answer, std::span<const Token> context, bool raw) {
  static const std::vector<std::string> stops = {"stop", "\n\n", "}<", "\xc3\xa9"};
  static AnswerParser parsers[] = {AnswerParser(tokenizer(), false),
                                   AnswerParser(tokenizer(), true)};
  AnswerParser& parser = parsers[raw ? 1 : 0];
  const auto take_all = [&] {
    for (Event event; parser.take(event);) require(is_valid_utf8(event.text));
  };
  parser.start(context, stops);
  for (const Token token : answer) {
    parser.feed(token);
    take_all();
  }
  parser.finish();
  take_all();
}

}  // namespace
}  // namespace gemma4

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma4;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_round_trip(text);
  // The text as tokens, and tokens picked by pairs of bytes.
  std::vector<Token> tokens = encoded(text, SpecialTokens::all);
  std::vector<Token> picked;
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    picked.push_back((data[i] << 8 | data[i + 1]) % (tokenizer().vocabulary_size() + 2) - 1);
  }
  check_chat(text, picked);
  for (const std::vector<Token>& all : {tokens, picked}) {
    const std::span<const Token> whole(all);
    const std::span<const Token> context = whole.first(whole.size() / 3);
    check_answer(whole, {}, false);
    check_answer(whole.subspan(context.size()), context, false);
    check_answer(whole, {}, true);
  }
  return 0;
}
