// Byte-pair encoding of plain text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/merge_table.hpp"
#include "text/vocabulary.hpp"

namespace gemma4 {

/// Encodes parts of one text and appends their tokens to one vector. Holds scratch memory and the
/// words met so far; the result of a part depends on nothing but its bytes.
class BpeEncoder {
 public:
  /// `text` and `out` must outlive the encoder; between calls others may append to `out`, nothing
  /// else.
  BpeEncoder(const Vocabulary& vocabulary, const MergeTable& merges, std::string_view text,
             std::vector<Token>& out);

  /// Encodes text[begin ... end): no special tokens, spaces as U+2581.
  void encode(std::size_t begin, std::size_t end);

 private:
  struct Symbol {
    Token token;          // -1: no piece; it becomes byte tokens and never merges
    std::uint32_t begin;  // first byte in the text
    std::uint32_t rank;   // of the merge with the next symbol
    std::uint32_t previous, next;
  };

  // A word that was encoded before: where it stands in the text and its tokens in `out`.
  struct KnownWord {
    std::uint32_t begin = 0, bytes = 0;
    std::size_t out_begin = 0;
    std::uint32_t out_count = 0;
  };

  void encode_line(std::size_t begin, std::size_t end);
  void encode_word(std::size_t begin, std::size_t end);
  void encode_known_or_new_word(std::size_t begin, std::size_t end);
  void split_into_symbols(std::size_t begin, std::size_t end);
  void merge_short();
  void merge_long();
  std::uint32_t rank_of(const Symbol& left, const Symbol& right) const {
    return merges_.rank(left.token, right.token);
  }
  void emit(Token token, std::size_t begin, std::size_t end);

  const Vocabulary& vocabulary_;
  const MergeTable& merges_;
  std::string_view text_;
  std::vector<Token>& out_;
  std::vector<Symbol> symbols_;
  std::vector<std::uint64_t> queue_;  // rank << 32 | index of the left symbol
  std::vector<KnownWord> known_;
};

}  // namespace gemma4
