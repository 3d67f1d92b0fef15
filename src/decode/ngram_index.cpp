#include "decode/ngram_index.hpp"

#include <algorithm>
#include <bit>

namespace gemma4 {
namespace {

constexpr std::uint32_t kWalk = 32;  // candidates looked at; bounds the time of a search

/// How many of the last tokens before `size` and before `position` are the same.
std::uint32_t common_suffix(std::span<const Token> tokens, std::uint32_t position) {
  const std::uint32_t most = std::min(position, NgramIndex::kLongest);
  std::uint32_t length = 0;
  while (length < most && tokens[tokens.size() - 1 - length] == tokens[position - 1 - length])
    ++length;
  return length;
}

std::uint32_t slots(std::uint32_t context) { return std::bit_ceil(std::max(context, 16u)); }

}  // namespace

NgramIndex::NgramIndex(std::uint32_t context, const AllocatorPtr& allocator)
    : heads_(slots(context), kNone, allocator),
      previous_(std::max(context, 1u), kNone, allocator) {}

std::uint64_t NgramIndex::bytes(std::uint32_t context) {
  return (std::uint64_t{slots(context)} + std::max(context, 1u)) * sizeof(std::uint32_t);
}

std::size_t NgramIndex::slot(Token first, Token second) const {
  const std::uint64_t key =
      std::uint64_t{static_cast<std::uint32_t>(first)} << 32 | static_cast<std::uint32_t>(second);
  return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> 32) & (heads_.size() - 1);
}

std::uint32_t& NgramIndex::previous(std::uint32_t position) {
  return previous_[position % previous_.size()];
}
std::uint32_t NgramIndex::previous(std::uint32_t position) const {
  return previous_[position % previous_.size()];
}

void NgramIndex::update(std::span<const Token> tokens) {
  const std::uint32_t size = static_cast<std::uint32_t>(tokens.size());
  // only positions that have a token: one that is still to come is what a search looks for
  for (std::uint32_t position = indexed_ + 1; position < size; ++position) {
    std::uint32_t& head = heads_[slot(tokens[position - 2], tokens[position - 1])];
    previous(position) = head;
    head = position;
    indexed_ = position;
  }
}

// Links of positions that are gone may lie in any list, and the tokens that would tell are gone
// too. Rewinds are rare, and a token takes nanoseconds.
void NgramIndex::rewound() {
  std::fill(heads_.begin(), heads_.end(), kNone);
  indexed_ = 1;
}

NgramMatch NgramIndex::find(std::span<const Token> tokens, std::uint32_t hint) const {
  const std::uint32_t size = static_cast<std::uint32_t>(tokens.size());
  if (size <= kShortest) return {};
  struct Found {
    std::uint32_t source, length;
  } found[kWalk + 1];
  std::uint32_t count = 0, longest = 0;
  const auto consider = [&](std::uint32_t position) {
    const std::uint32_t length = common_suffix(tokens, position);
    if (length < kShortest) return;
    longest = std::max(longest, length);
    found[count++] = {position, length};
  };
  const std::uint32_t oldest =
      size > previous_.size() ? size - static_cast<std::uint32_t>(previous_.size()) : kShortest;
  std::uint32_t position = heads_[slot(tokens[size - 2], tokens[size - 1])];
  for (std::uint32_t step = 0; step < kWalk && position >= std::max(oldest, kShortest); ++step) {
    consider(position);
    const std::uint32_t next = previous(position);
    if (next >= position) break;  // so long ago that its link was overwritten
    position = next;
  }
  const auto same = [&](const Found& f) { return f.source == hint; };
  if (hint >= kShortest && hint < size && std::none_of(found, found + count, same)) consider(hint);

  NgramMatch best;
  std::uint32_t best_votes = 0, total = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (found[i].length != longest) continue;
    ++total;
    std::uint32_t votes = 0;
    for (std::uint32_t j = 0; j < count; ++j)
      votes += found[j].length == longest && tokens[found[j].source] == tokens[found[i].source];
    if (votes > best_votes) {
      best_votes = votes;
      best = {found[i].source, longest, false};
    }
  }
  best.unanimous = best_votes == total;
  return best;
}

}  // namespace gemma4
