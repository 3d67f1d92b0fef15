// A checkpoint's vocabulary: what each token is and what it stands for.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/tokenizer.hpp"
#include "io/metadata.hpp"
#include "text/piece_table.hpp"
#include "text/special_ids.hpp"

namespace gemma4 {

enum class PieceKind : std::uint8_t {
  normal,   ///< a piece of text, "▁" for a space
  byte,     ///< <0x00> ... <0xFF>
  control,  ///< <bos>, <|turn> ...: gives no text
  visible,  ///< <|channel>, <|tool_call> ...: special in a prompt, shown as its literal text
};

/// Code point to token, for the symbols that encoding starts with: pages of 256, only those in use.
class CodePointTable {
 public:
  CodePointTable() : page_of_(0x1100, 0), tokens_(256, -1) {}  // page 0 is the empty one
  void add(char32_t c, Token token);

  Token find(char32_t c) const {
    if (c >= 0x110000) return -1;
    return tokens_[std::size_t{page_of_[c / 256]} * 256 + c % 256];
  }

 private:
  std::vector<std::uint16_t> page_of_;
  std::vector<Token> tokens_;
};

class Vocabulary {
 public:
  /// Reads tokenizer.ggml.model, tokens, token_type. Throws Error(format | unsupported).
  explicit Vocabulary(const Metadata& metadata);

  Token size() const { return static_cast<Token>(kinds_.size()); }
  const PieceTable& pieces() const { return pieces_; }
  PieceKind kind(Token id) const {
    return static_cast<PieceKind>(kinds_[static_cast<std::size_t>(id)]);
  }
  bool is_end_of_generation(Token id) const;
  const SpecialIds& special_ids() const { return special_; }

  /// The bytes that a normal or byte token stands for, and the literal text of the others.
  std::string_view bytes(Token id) const {
    const std::size_t i = static_cast<std::size_t>(id);
    return {bytes_.data() + byte_begins_[i], byte_begins_[i + 1] - byte_begins_[i]};
  }

  Token byte_token(unsigned char byte) const { return byte_tokens_[byte]; }

  /// The token of a single character of a text (the space's is "▁"), -1 when there is none.
  Token character_token(char32_t c) const { return characters_.find(c); }

 private:
  void classify(const Metadata& metadata);
  void find_byte_tokens(const std::string& place);
  void decode_pieces();
  void find_special_ids(const std::string& place);
  void find_characters();

  PieceTable pieces_;
  std::vector<std::uint8_t> kinds_;
  std::string bytes_;
  std::vector<std::uint32_t> byte_begins_;
  std::array<Token, 256> byte_tokens_{};
  CodePointTable characters_;
  SpecialIds special_;
  std::vector<Token> end_of_generation_;  // ascending
};

}  // namespace gemma4
