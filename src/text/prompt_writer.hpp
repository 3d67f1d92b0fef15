// A prompt as it grows: text from outside, and special tokens between.
#pragma once

#include <string_view>

#include "text/chat_format.hpp"
#include "text/tokenizer.hpp"

namespace gemma4 {

/// Keeps the promise of RenderedChat: text is encoded without looking for special tokens, in runs
/// as long as they come (a word may begin in one text() and end in the next), and special tokens
/// enter by their ids alone.
class PromptWriter {
 public:
  explicit PromptWriter(const Tokenizer::Impl& tokenizer) : tokenizer_(tokenizer) {}

  void text(std::string_view text) { prompt_.text += text; }

  /// Throws Error(unsupported) when the vocabulary lacks the token, whose text is `literal`.
  void special(Token token, std::string_view literal);

  /// A string in tool syntax: <|"|>text<|"|>.
  void quoted_text(std::string_view text);

  const SpecialIds& ids() const { return tokenizer_.special_ids(); }

  RenderedChat finish();  ///< once

 private:
  void encode_run();

  const Tokenizer::Impl& tokenizer_;
  RenderedChat prompt_;
  std::size_t run_begin_ = 0;  // where the text begins that is not yet encoded
};

}  // namespace gemma4
