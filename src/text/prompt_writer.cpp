#include "text/prompt_writer.hpp"

#include <string>
#include <utility>

#include "base/error.hpp"

namespace gemma4 {

void PromptWriter::special(Token token, std::string_view literal) {
  if (token < 0) {
    fail(ErrorCode::unsupported,
         "the vocabulary lacks " + std::string(literal) + ", which the chat format needs");
  }
  encode_run();
  prompt_.tokens.push_back(token);
  prompt_.text += literal;
  run_begin_ = prompt_.text.size();
}

void PromptWriter::quoted_text(std::string_view inner) {
  special(ids().quote, "<|\"|>");
  text(inner);
  special(ids().quote, "<|\"|>");
}

void PromptWriter::encode_run() {
  tokenizer_.encode(std::string_view(prompt_.text).substr(run_begin_), SpecialTokens::none,
                    prompt_.tokens);
}

RenderedChat PromptWriter::finish() {
  encode_run();
  return std::move(prompt_);
}

}  // namespace gemma4
