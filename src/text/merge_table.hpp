// The merges of byte-pair encoding: which two neighbouring pieces become one, and which go first.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.hpp"
#include "text/vocabulary.hpp"

namespace gemma4 {

/// Says where a text may be cut before it is encoded. A merge can reach across a cut only if one of
/// its two pieces ends with the character before the cut and the other begins with the one after
/// it, so where no merge of the vocabulary has such ends, both sides encode on their own. Exact for
/// ASCII; elsewhere a hashed bitmap that may say "joins" too often, which costs time and never
/// changes a result. The space stands for U+2581, which it becomes.
class JoinFilter {
 public:
  JoinFilter() : hashed_(kBits / 64) {}

  void add(char32_t left, char32_t right);

  bool may_join(char32_t left, char32_t right) const {
    if ((left | right) < 128) return (ascii_[left][right / 64] >> (right % 64) & 1) != 0;
    const std::uint32_t bit = hash_of(left, right);
    return (hashed_[bit / 64] >> (bit % 64) & 1) != 0;
  }

 private:
  static constexpr int kBitsLog2 = 20;  // 128 KiB; Gemma 4 sets 3 % of the bits
  static constexpr std::uint32_t kBits = 1u << kBitsLog2;

  static std::uint32_t hash_of(char32_t left, char32_t right) {
    const std::uint64_t key = std::uint64_t{left} << 32 | right;
    return static_cast<std::uint32_t>(key * 0x9e3779b97f4a7c15u >> (64 - kBitsLog2));
  }

  std::array<std::array<std::uint64_t, 2>, 128> ascii_{};
  std::vector<std::uint64_t> hashed_;
};

class MergeTable {
 public:
  static constexpr std::uint32_t kNoMerge = 0xffffffffu;
  static constexpr std::uint32_t kMaxRank = (1u << 24) - 2;  ///< rank + 1 takes 24 bits of a slot

  /// `merges`: "left right" in order of rank, split at the first space after the first byte; a pair
  /// listed twice keeps its first rank. Merges that would make a special or byte token out of text
  /// are left out: such tokens come from elsewhere only. Throws Error(format) naming the merge when
  /// a part or the result is no piece.
  MergeTable(std::span<const std::string_view> merges, const Vocabulary& vocabulary);

  /// The rank of a pair (lower merges first), kNoMerge when the two do not merge. A symbol that is
  /// no piece is -1.
  std::uint32_t rank(Token left, Token right) const {
    if ((left | right) < 0) return kNoMerge;
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = slot_of(key);; i = (i + 1) & mask_) {
      const std::uint64_t slot = slots()[i];
      if (slot == 0) return kNoMerge;
      if (slot >> kRankBits == key) return static_cast<std::uint32_t>(slot & kRankMask) - 1;
    }
  }

  Token merged(std::uint32_t rank) const { return merged_[rank]; }

  const JoinFilter& joins() const { return joins_; }

 private:
  // A slot: left id (20 bits), right id (20 bits), rank + 1 (24 bits); 0 is an empty one.
  static constexpr int kRankBits = 24;
  static constexpr std::uint64_t kRankMask = (1u << kRankBits) - 1;

  static std::uint64_t key_of(Token left, Token right) {
    return static_cast<std::uint64_t>(left) << 20 | static_cast<std::uint64_t>(right);
  }
  std::uint64_t* slots() const { return reinterpret_cast<std::uint64_t*>(memory_.data()); }
  std::size_t slot_of(std::uint64_t key) const { return key * 0x9e3779b97f4a7c15u >> shift_; }
  void add_block(std::span<const std::string_view> merges, const Vocabulary& vocabulary);
  void insert(Token left, Token right, std::uint32_t rank);

  Buffer memory_;  // large pages: nearly every look-up goes to another place
  std::size_t mask_ = 0;
  int shift_ = 0;  // 64 - log2(slots)
  std::vector<Token> merged_;
  JoinFilter joins_;
};

}  // namespace gemma4
