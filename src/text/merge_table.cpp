#include "text/merge_table.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "base/error.hpp"
#include "text/prefetch.hpp"
#include "text/utf8.hpp"

namespace gemma4 {
namespace {

// Merges looked up together, so that their cache misses overlap.
constexpr std::size_t kMergesAtOnce = 32;

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
  fail(ErrorCode::format,
       "merge " + std::to_string(rank) + " " + in_quotes(merge) + ": " + problem);
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

MergeTable::MergeTable(std::span<const std::string_view> merges, const Vocabulary& vocabulary) {
  if (merges.size() > kMaxRank) {
    fail(ErrorCode::unsupported,
         format_text("expected at most %u merges, found %zu", kMaxRank, merges.size()));
  }
  const std::size_t slot_count = std::bit_ceil(2 * merges.size() + 2);  // at most half are used
  memory_ = Buffer(slot_count * sizeof(std::uint64_t));
  mask_ = slot_count - 1;
  shift_ = 64 - std::countr_zero(slot_count);
  merged_.reserve(merges.size());
  for (std::size_t begin = 0; begin < merges.size(); begin += kMergesAtOnce) {
    add_block(merges.subspan(begin, std::min(kMergesAtOnce, merges.size() - begin)), vocabulary);
  }
}

void MergeTable::add_block(std::span<const std::string_view> merges, const Vocabulary& vocabulary) {
  const std::size_t first_rank = merged_.size();
  std::string_view parts[2 * kMergesAtOnce], wholes[kMergesAtOnce];
  Token part_ids[2 * kMergesAtOnce], whole_ids[kMergesAtOnce];
  std::string joined;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::size_t space = merges[i].find(' ', 1);  // a left part may itself be a space
    if (space == std::string_view::npos) {
      refuse(first_rank + i, merges[i], "expected two pieces and a space");
    }
    parts[2 * i] = merges[i].substr(0, space);
    parts[2 * i + 1] = merges[i].substr(space + 1);
    joined.append(parts[2 * i]).append(parts[2 * i + 1]);
  }
  std::string_view rest = joined;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    wholes[i] = rest.substr(0, merges[i].size() - 1);
    rest.remove_prefix(wholes[i].size());
  }
  const PieceTable& pieces = vocabulary.pieces();
  pieces.find_all({parts, 2 * merges.size()}, part_ids);
  pieces.find_all({wholes, merges.size()}, whole_ids);
  for (std::size_t i = 0; i < merges.size(); ++i) {
    prefetch(&slots()[slot_of(key_of(part_ids[2 * i], part_ids[2 * i + 1]))]);
  }
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const Token left = part_ids[2 * i], right = part_ids[2 * i + 1];
    const std::size_t rank = first_rank + i;
    if (left < 0) refuse(rank, merges[i], "the left part is not in the vocabulary");
    if (right < 0 || parts[2 * i + 1].empty()) {
      refuse(rank, merges[i], "the right part is not in the vocabulary");
    }
    if (whole_ids[i] < 0) refuse(rank, merges[i], "the result is not in the vocabulary");
    merged_.push_back(whole_ids[i]);
    if (vocabulary.kind(whole_ids[i]) != PieceKind::normal) continue;
    insert(left, right, static_cast<std::uint32_t>(rank));
    joins_.add(last_character(parts[2 * i]), first_character(parts[2 * i + 1]));
  }
}

void MergeTable::insert(Token left, Token right, std::uint32_t rank) {
  // Longer runs than this only come from a file made to collide.
  constexpr int kMaxProbes = 4096;
  const std::uint64_t key = key_of(left, right);
  std::size_t i = slot_of(key);
  for (int probes = 0; slots()[i] != 0; i = (i + 1) & mask_) {
    if (slots()[i] >> kRankBits == key) return;
    if (++probes > kMaxProbes) fail(ErrorCode::format, "the merges are made to collide");
  }
  slots()[i] = key << kRankBits | (rank + 1);
}

}  // namespace gemma4
