// The vocabulary and byte-pair encoding of Gemma 4.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/tokenizer.hpp"
#include "io/metadata.hpp"
#include "text/merge_table.hpp"
#include "text/special_ids.hpp"
#include "text/special_matcher.hpp"
#include "text/vocabulary.hpp"

namespace gemma4 {

/// The tokens of tokenizer.ggml.suppress_tokens, none where there is no such key. Throws
/// Error(format) for one that is not below `size`.
std::vector<Token> read_suppressed(const Metadata& metadata, std::int32_t size);

/// Copies what it needs: the metadata and its file may go afterwards.
class Tokenizer::Impl {
 public:
  /// From the tokenizer.* keys. Throws Error(format | unsupported): wrong model, missing or
  /// contradicting arrays, invalid UTF-8 in a piece, a merge without its pieces, ids out of range.
  /// Duplicate pieces are legal: the lowest id encodes.
  static std::shared_ptr<const Impl> from_metadata(const Metadata& metadata);

  void encode(std::string_view text, SpecialTokens special,
              std::vector<Token>& out) const;  ///< appends

  /// The bytes of one token: "▁" as space, a byte token's byte; control and unknown tokens are
  /// empty unless `special`.
  std::string_view piece(Token token, bool special) const;

  std::int32_t vocabulary_size() const;
  const SpecialIds& special_ids() const;
  bool is_end_of_generation(Token token) const;
  bool is_byte(Token token) const;
  bool is_special(Token token) const;  ///< control, unknown or user-defined
  std::optional<Token> find(
      std::string_view piece) const;             ///< by the literal text of the vocabulary entry
  const std::vector<Token>& suppressed() const;  ///< tokenizer.ggml.suppress_tokens
  const std::string& chat_template() const;      ///< the file's Jinja text, or empty

 private:
  explicit Impl(const Metadata& metadata);

  Vocabulary vocabulary_;
  MergeTable merges_;
  SpecialMatcher visible_;  // what SpecialTokens::user_defined finds
  SpecialMatcher all_;      // what SpecialTokens::all finds
  std::vector<Token> suppressed_;
  std::string chat_template_;
};

/// Longest prefix of `bytes` that is whole, valid UTF-8, with what is definitely invalid replaced
/// by U+FFFD. Feed bytes, take text; at most 3 bytes wait. No allocation once `pending` and `out`
/// have grown to their usual size.
class Utf8Stream {
 public:
  void feed(std::string_view bytes, std::string& out);  ///< appends to out
  void flush(std::string& out);                         ///< what still waits becomes U+FFFD

 private:
  unsigned char pending_[4] = {};
  int pending_bytes_ = 0;
};

}  // namespace gemma4
