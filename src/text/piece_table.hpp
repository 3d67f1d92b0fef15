// The texts of a vocabulary: from id to text and from text to id.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/tokenizer.hpp"

namespace gemma4 {

/// All texts in one block, found through an open-addressing table: about 13 bytes a piece beside
/// the text.
class PieceTable {
 public:
  static constexpr std::size_t kMaxPieces = (1u << 20) - 1;  ///< ids take 20 bits of a slot

  /// Copies the texts. Of equal texts the lowest id is the one that find() gives. Throws
  /// Error(unsupported) beyond kMaxPieces or 4 GiB of text, Error(format) for a set made to
  /// collide.
  explicit PieceTable(std::span<const std::string_view> pieces);

  std::size_t size() const { return begins_.size() - 1; }
  std::size_t text_bytes() const { return bytes_.size(); }

  std::string_view text(Token id) const {
    const std::size_t i = static_cast<std::size_t>(id);
    return {bytes_.data() + begins_[i], begins_[i + 1] - begins_[i]};
  }

  /// The id of a text, -1 when there is none.
  Token find(std::string_view text) const;

  /// find() for many texts; reads ahead, because the table and its texts outgrow the caches.
  void find_all(std::span<const std::string_view> texts, std::span<Token> ids) const;

 private:
  Token find_hashed(std::string_view text, std::uint64_t hash) const;

  std::string bytes_;
  std::vector<std::uint32_t> begins_;  // piece i is bytes_[begins_[i] ... begins_[i + 1])
  std::vector<std::uint32_t> slots_;   // upper 12 bits: part of the hash; lower 20: id
};

}  // namespace gemma4
