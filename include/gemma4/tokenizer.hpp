// Text to tokens and back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gemma4 {

/// A token's id, 0 ... vocabulary size - 1.
using Token = std::int32_t;

/// What encode() makes of the texts of special tokens ("<bos>", "<|turn>", "<|channel>" ...) inside
/// the input.
enum class SpecialTokens : std::int32_t {
  /// Only the visible ones (tool calls, channels) become tokens, as in llama.cpp; right for plain
  /// text. <|tool_response> does not, since it ends generation.
  user_defined = 0,
  all = 1,   ///< all of them become tokens; right for rendered prompts and trusted text
  none = 2,  ///< none does; right for untrusted content inside a prompt
};

/// The tokenizer of a loaded model. Immutable: any number of threads may use it at once. Copies
/// share one vocabulary.
class Tokenizer {
 public:
  /// The tokens of `text` (UTF-8; an invalid byte becomes its byte token), without bos. Throws
  /// Error(invalid_argument) for a text of 4 GiB or more.
  std::vector<Token> encode(std::string_view text,
                            SpecialTokens special = SpecialTokens::user_defined) const;

  /// The bytes of the tokens put together; control tokens give nothing unless `special` is true.
  /// Throws Error(invalid_argument) for an id outside the vocabulary. A byte token may leave
  /// incomplete UTF-8.
  std::string decode(std::span<const Token> tokens, bool special = false) const;

  std::int32_t vocabulary_size() const;  ///< number of tokens
  Token bos() const;                     ///< the token every prompt begins with
  bool is_end_of_generation(Token token) const;

  class Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace gemma4
