#include "text/piece_table.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "base/error.hpp"
#include "text/prefetch.hpp"

namespace gemma4 {
namespace {

constexpr std::uint32_t kEmptySlot = 0xffffffffu;  // its id would be kMaxPieces, which no piece has
constexpr std::uint32_t kIdMask = (1u << 20) - 1;

// At the load of at most one half that the table keeps, runs of this length do not happen by
// chance; a file made to collide would otherwise cost quadratic time.
constexpr int kMaxProbes = 4096;

std::uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 52) << 20; }

}  // namespace

PieceTable::PieceTable(std::span<const std::string_view> pieces) {
  std::uint64_t total_bytes = 0;
  for (const std::string_view piece : pieces) total_bytes += piece.size();
  if (pieces.size() > kMaxPieces || total_bytes > std::numeric_limits<std::uint32_t>::max()) {
    fail(ErrorCode::unsupported,
         format_text("expected at most %zu pieces in 4 GiB, found %zu in %llu bytes", kMaxPieces,
                     pieces.size(), static_cast<unsigned long long>(total_bytes)));
  }
  bytes_.reserve(total_bytes);
  begins_.reserve(pieces.size() + 1);
  begins_.push_back(0);
  slots_.assign(std::bit_ceil(2 * pieces.size() + 2), kEmptySlot);
  const std::size_t mask = slots_.size() - 1;
  for (const std::string_view piece : pieces) {
    const std::uint32_t id = static_cast<std::uint32_t>(begins_.size() - 1);
    bytes_ += piece;
    begins_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    const std::uint64_t hash = hash_of(piece);
    std::size_t slot = hash & mask;
    int probes = 0;
    for (; slots_[slot] != kEmptySlot; slot = (slot + 1) & mask) {
      const std::uint32_t entry = slots_[slot];
      if ((entry & ~kIdMask) == tag_of(hash) &&
          text(static_cast<Token>(entry & kIdMask)) == piece) {
        break;  // a duplicate: the earlier id stays
      }
      if (++probes > kMaxProbes) fail(ErrorCode::format, "the pieces are made to collide");
    }
    if (slots_[slot] == kEmptySlot) slots_[slot] = tag_of(hash) | id;
  }
}

Token PieceTable::find(std::string_view piece) const { return find_hashed(piece, hash_of(piece)); }

void PieceTable::find_all(std::span<const std::string_view> texts, std::span<Token> ids) const {
  constexpr std::size_t kBlock = 32;
  const std::size_t mask = slots_.size() - 1;
  std::uint64_t hashes[kBlock];
  for (std::size_t begin = 0; begin < texts.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, texts.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      hashes[i] = hash_of(texts[begin + i]);
      prefetch(&slots_[hashes[i] & mask]);
    }
    // The first entry met is mostly the one that is wanted.
    const auto likely_id = [&](std::size_t i) {
      return std::min<std::size_t>(slots_[hashes[i] & mask] & kIdMask, size() - 1);
    };
    for (std::size_t i = 0; i < count; ++i) prefetch(&begins_[likely_id(i)]);
    for (std::size_t i = 0; i < count; ++i) prefetch(bytes_.data() + begins_[likely_id(i)]);
    for (std::size_t i = 0; i < count; ++i) {
      ids[begin + i] = find_hashed(texts[begin + i], hashes[i]);
    }
  }
}

Token PieceTable::find_hashed(std::string_view piece, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash & mask; slots_[slot] != kEmptySlot; slot = (slot + 1) & mask) {
    const std::uint32_t entry = slots_[slot];
    const Token id = static_cast<Token>(entry & kIdMask);
    if ((entry & ~kIdMask) == tag_of(hash) && text(id) == piece) return id;
  }
  return -1;
}

}  // namespace gemma4
