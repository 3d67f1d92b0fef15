// A good vocabulary with anything added to it: lines "t<type><text>" are tokens, "m<merge>" merges,
// "x<text>" texts to encode. An Error, or a tokenizer that gives every text back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/error.hpp"
#include "text/synthetic_vocabulary.hpp"

namespace gemma4 {
namespace {

void check_text(const Tokenizer::Impl& tokenizer, const std::string& text) {
  for (const SpecialTokens special :
       {SpecialTokens::none, SpecialTokens::user_defined, SpecialTokens::all}) {
    std::vector<Token> tokens;
    tokenizer.encode(text, special, tokens);
    std::string back;
    for (const Token token : tokens) {
      if (special == SpecialTokens::none && tokenizer.is_special(token)) std::abort();
      back += tokenizer.piece(token, true);
    }
    // U+2581 decodes as a space, except in a special piece, which may spell part of one too.
    const bool has_space_piece =
        back.find('\xe2') != std::string::npos || text.find('\xe2') != std::string::npos;
    if (back != text && !has_space_piece) std::abort();
  }
}

}  // namespace
}  // namespace gemma4

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma4;
  test::SyntheticVocabulary vocabulary;
  std::vector<std::string> texts = {"abc cab", "<bos>aabbcc\n\n\n<turn|>"};
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
    if (line.size() > 2 && line[0] == 't') {
      vocabulary.add(std::string(line.substr(2)), static_cast<std::uint64_t>(line[1] - '0'));
    } else if (line.size() > 1 && line[0] == 'm') {
      vocabulary.merges.emplace_back(line.substr(1));
    } else if (line.size() > 1) {
      texts.emplace_back(line.substr(1));
    }
  }
  try {
    const auto tokenizer = vocabulary.load();
    for (const std::string& text : texts) check_text(*tokenizer, text);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::format) std::abort();
  }
  return 0;
}
