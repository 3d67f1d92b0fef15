#include "text/merge_table.hpp"

#include <bit>

#include "base/error.hpp"
#include "text/utf8.hpp"

namespace gemma4 {
namespace {

// The space a text contains becomes U+2581 when it is encoded; the filter sees the text before
// that.
char32_t as_in_text(char32_t c) { return c == 0x2581 ? U' ' : c; }

// Pieces are valid UTF-8 and not empty here.
char32_t first_character(std::string_view piece) {
  return as_in_text(code_point_at(piece, 0).value);
}

char32_t last_character(std::string_view piece) {
  std::size_t start = piece.size() - 1;
  while (start > 0 && (static_cast<unsigned char>(piece[start]) & 0xc0) == 0x80) --start;
  return as_in_text(code_point_at(piece, start).value);
}

[[noreturn]] void refuse(std::size_t rank, std::string_view merge, const std::string& problem) {
  fail(ErrorCode::format, "merge " + std::to_string(rank) + " " + quoted(merge) + ": " + problem);
}

}  // namespace

void JoinFilter::add(char32_t left, char32_t right) {
  if ((left | right) < 128) {
    ascii_[left][right / 64] |= std::uint64_t{1} << (right % 64);
  } else {
    const std::uint32_t bit = hash_of(left, right);
    hashed_[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
}

MergeTable::MergeTable(std::span<const std::string_view> merges, const PieceTable& pieces) {
  if (merges.size() >= kRankMask) {
    fail(ErrorCode::unsupported,
         format_text("expected fewer than %llu merges, found %zu",
                     static_cast<unsigned long long>(kRankMask), merges.size()));
  }
  slots_.assign(std::bit_ceil(2 * merges.size() + 2), kEmptySlot);
  shift_ = 64 - std::countr_zero(slots_.size());
  merged_.reserve(merges.size());
  std::string joined;
  for (const std::string_view merge : merges) {
    const std::size_t rank = merged_.size();
    const std::size_t space = merge.find(' ', 1);  // a left part may itself be a space
    if (space == std::string_view::npos) refuse(rank, merge, "expected two pieces and a space");
    const std::string_view left_text = merge.substr(0, space);
    const std::string_view right_text = merge.substr(space + 1);
    const Token left = pieces.find(left_text);
    const Token right = pieces.find(right_text);
    if (left < 0) refuse(rank, merge, "the left part is not in the vocabulary");
    if (right < 0 || right_text.empty())
      refuse(rank, merge, "the right part is not in the vocabulary");
    joined.assign(left_text).append(right_text);
    const Token whole = pieces.find(joined);
    if (whole < 0) refuse(rank, merge, "the result is not in the vocabulary");
    merged_.push_back(whole);
    insert(left, right, static_cast<std::uint32_t>(rank));
    joins_.add(last_character(left_text), first_character(right_text));
  }
}

void MergeTable::insert(Token left, Token right, std::uint32_t rank) {
  const std::uint64_t key = key_of(left, right);
  std::size_t slot = slot_of(key);
  // Half of the slots stay free; longer runs than this only come from a file made to collide.
  constexpr int kMaxProbes = 4096;
  for (int probes = 0; slots_[slot] != kEmptySlot; slot = (slot + 1) & (slots_.size() - 1)) {
    if (slots_[slot] >> kRankBits == key) return;
    if (++probes > kMaxProbes) fail(ErrorCode::format, "the merges are made to collide");
  }
  slots_[slot] = key << kRankBits | rank;
}

}  // namespace gemma4
