#include "text/bpe.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "text/utf8.hpp"

namespace gemma4 {
namespace {

// Up to here a plain search for the best pair beats the queue.
constexpr std::size_t kShortSymbols = 40;

// Words are remembered in a table of this many slots (a power of two), newest first; 96 KiB, which
// the second-level cache holds. Longer words seldom repeat, and a short text is encoded before a
// table has paid for itself.
constexpr std::size_t kKnownWords = 4096;
constexpr std::size_t kMaxKnownBytes = 64;
constexpr std::size_t kMinTextForKnownWords = 1024;

constexpr std::uint32_t kNone = 0xffffffffu;  // no neighbour, no merge
static_assert(kNone == MergeTable::kNoMerge);

std::uint64_t word_hash(std::string_view word) {
  // Words that differ only in the middle share a slot: a collision costs one encoding, not
  // correctness.
  std::uint64_t head = 0, tail = 0;
  const std::size_t part = std::min<std::size_t>(word.size(), 8);
  std::memcpy(&head, word.data(), part);
  std::memcpy(&tail, word.data() + word.size() - part, part);
  const std::uint64_t mixed = (head ^ word.size()) * 0x9e3779b97f4a7c15u;
  return ((mixed ^ (mixed >> 29)) + tail) * 0xbf58476d1ce4e5b9u;
}

}  // namespace

BpeEncoder::BpeEncoder(const Vocabulary& vocabulary, const MergeTable& merges,
                       std::string_view text, std::vector<Token>& out)
    : vocabulary_(vocabulary), merges_(merges), text_(text), out_(out) {
  if (text.size() >= kMinTextForKnownWords) known_.resize(kKnownWords);
}

void BpeEncoder::encode(std::size_t begin, std::size_t end) {
  const std::string_view part = text_.substr(0, end);  // so that no search goes beyond it
  while (begin < end) {
    const std::size_t line_end = std::min(part.find('\n', begin), end);
    if (line_end > begin) encode_line(begin, line_end);
    begin = line_end;
    while (begin < end && text_[begin] == '\n') ++begin;
    if (begin == line_end) continue;
    // A run of newlines that is a piece is that piece; longer runs are merged like any word.
    const Token run = vocabulary_.pieces().find(text_.substr(line_end, begin - line_end));
    if (run >= 0 && vocabulary_.kind(run) == PieceKind::normal) {
      out_.push_back(run);
    } else {
      encode_word(line_end, begin);
    }
  }
}

void BpeEncoder::encode_line(std::size_t begin, std::size_t end) {
  const auto as_space = [](char32_t c) { return c == 0x2581 ? U' ' : c; };
  const std::string_view line = text_.substr(0, end);
  const JoinFilter& joins = merges_.joins();
  std::size_t word = begin;
  CodePoint point = code_point_at(line, begin);
  char32_t left = as_space(point.value);
  for (std::size_t i = begin + point.bytes; i < end; i += point.bytes) {
    point = code_point_at(line, i);
    const char32_t right = as_space(point.value);
    if (!joins.may_join(left, right)) {
      encode_known_or_new_word(word, i);
      word = i;
    }
    left = right;
  }
  encode_known_or_new_word(word, end);
}

void BpeEncoder::encode_known_or_new_word(std::size_t begin, std::size_t end) {
  const std::size_t bytes = end - begin;
  if (bytes == 1) {
    const char32_t character = code_point_at(text_.substr(0, end), begin).value;
    return emit(vocabulary_.character_token(character), begin, end);
  }
  if (known_.empty() || bytes > kMaxKnownBytes) return encode_word(begin, end);
  const std::string_view word = text_.substr(begin, bytes);
  KnownWord& known = known_[word_hash(word) % kKnownWords];
  if (known.bytes == bytes && std::memcmp(text_.data() + known.begin, word.data(), bytes) == 0) {
    const std::size_t at = out_.size();
    out_.resize(at + known.out_count);
    std::copy_n(out_.begin() + static_cast<std::ptrdiff_t>(known.out_begin), known.out_count,
                out_.begin() + static_cast<std::ptrdiff_t>(at));
    return;
  }
  const std::size_t out_begin = out_.size();
  encode_word(begin, end);
  known = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(bytes), out_begin,
           static_cast<std::uint32_t>(out_.size() - out_begin)};
}

void BpeEncoder::encode_word(std::size_t begin, std::size_t end) {
  split_into_symbols(begin, end);
  if (symbols_.size() <= kShortSymbols) {
    merge_short();
  } else {
    merge_long();
  }
  for (std::size_t i = 0; i < symbols_.size(); ++i) {
    const bool last = i + 1 == symbols_.size();
    emit(symbols_[i].token, symbols_[i].begin, last ? end : symbols_[i + 1].begin);
  }
}

void BpeEncoder::split_into_symbols(std::size_t begin, std::size_t end) {
  const std::string_view word = text_.substr(0, end);
  symbols_.clear();
  for (std::size_t i = begin; i < end;) {
    const CodePoint point = code_point_at(word, i);
    symbols_.push_back({vocabulary_.character_token(point.value), static_cast<std::uint32_t>(i),
                        kNone, kNone, kNone});
    i += point.bytes;
  }
  for (std::size_t i = 0; i + 1 < symbols_.size(); ++i) {
    symbols_[i].rank = rank_of(symbols_[i], symbols_[i + 1]);
  }
}

// Merges the pair of lowest rank, the leftmost of equals, until none is left; symbols_ stays dense.
void BpeEncoder::merge_short() {
  while (true) {
    const auto best =
        std::min_element(symbols_.begin(), symbols_.end(),
                         [](const Symbol& a, const Symbol& b) { return a.rank < b.rank; });
    if (best == symbols_.end() || best->rank == kNone) return;
    best->token = merges_.merged(best->rank);
    const auto right = symbols_.erase(best + 1);  // at least `best` itself stands before it
    const auto left = right - 1;
    left->rank = right != symbols_.end() ? rank_of(*left, *right) : kNone;
    if (left != symbols_.begin()) (left - 1)->rank = rank_of(*(left - 1), *left);
  }
}

// The same with a queue and linked symbols: O(n log n).
void BpeEncoder::merge_long() {
  const std::uint32_t count = static_cast<std::uint32_t>(symbols_.size());
  queue_.clear();
  const auto entry = [this](std::uint32_t i) { return std::uint64_t{symbols_[i].rank} << 32 | i; };
  for (std::uint32_t i = 0; i < count; ++i) {
    symbols_[i].previous = i > 0 ? i - 1 : kNone;
    symbols_[i].next = i + 1 < count ? i + 1 : kNone;
    if (symbols_[i].rank != kNone) queue_.push_back(entry(i));
  }
  std::make_heap(queue_.begin(), queue_.end(), std::greater<>());
  const auto update = [&](std::uint32_t i) {
    Symbol& symbol = symbols_[i];
    symbol.rank = symbol.next != kNone ? rank_of(symbol, symbols_[symbol.next]) : kNone;
    if (symbol.rank == kNone) return;
    queue_.push_back(entry(i));
    std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
  };
  while (!queue_.empty()) {
    const std::uint64_t top = queue_.front();
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    queue_.pop_back();
    const std::uint32_t i = static_cast<std::uint32_t>(top);
    Symbol& left = symbols_[i];
    // A rank names its pair, so an entry whose rank is the symbol's still holds.
    if (left.rank != static_cast<std::uint32_t>(top >> 32)) continue;
    Symbol& right = symbols_[left.next];
    left.token = merges_.merged(left.rank);
    left.next = right.next;
    right.rank = kNone;
    if (left.next != kNone) symbols_[left.next].previous = i;
    update(i);
    if (left.previous != kNone) update(left.previous);
  }
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i != kNone; i = symbols_[i].next) symbols_[kept++] = symbols_[i];
  symbols_.resize(kept);
}

void BpeEncoder::emit(Token token, std::size_t begin, std::size_t end) {
  if (token >= 0) {
    out_.push_back(token);
    return;
  }
  for (std::size_t i = begin; i < end; ++i) {
    out_.push_back(vocabulary_.byte_token(static_cast<unsigned char>(text_[i])));
  }
}

}  // namespace gemma4
