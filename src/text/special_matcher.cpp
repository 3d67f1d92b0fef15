#include "text/special_matcher.hpp"

#include <algorithm>

namespace gemma4 {

void SpecialMatcher::add(std::string_view text, Token token) {
  if (text.empty()) return;
  entries_.emplace_back(text, token);
  begins_[static_cast<unsigned char>(text[0])] = true;
}

void SpecialMatcher::prepare() {
  std::sort(entries_.begin(), entries_.end());  // equal texts: the lowest id comes first
  const auto same_text = [](const auto& a, const auto& b) { return a.first == b.first; };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same_text), entries_.end());
}

std::optional<SpecialMatcher::Match> SpecialMatcher::next(std::string_view text,
                                                          std::size_t from) const {
  if (entries_.empty()) return std::nullopt;
  const auto single = entries_.front().first[0];
  const bool one_begin = entries_.back().first[0] == single;  // true for Gemma 4: '<'
  for (std::size_t i = from; i < text.size(); ++i) {
    if (one_begin) {
      i = text.find(single, i);
      if (i == std::string_view::npos) return std::nullopt;
    } else if (!begins_[static_cast<unsigned char>(text[i])]) {
      continue;
    }
    if (const std::optional<Match> match = longest_at(text, i)) return match;
  }
  return std::nullopt;
}

std::optional<SpecialMatcher::Match> SpecialMatcher::longest_at(std::string_view text,
                                                                std::size_t begin) const {
  // Narrow the sorted entries to those that share one byte more with the text, until none is left.
  auto low = entries_.begin();
  auto high = entries_.end();
  std::optional<Match> best;
  for (std::size_t depth = 0; begin + depth < text.size(); ++depth) {
    const unsigned char wanted = static_cast<unsigned char>(text[begin + depth]);
    const auto byte_of = [depth](const auto& entry) {
      return entry.first.size() > depth ? static_cast<unsigned char>(entry.first[depth]) : -1;
    };
    low =
        std::partition_point(low, high, [&](const auto& entry) { return byte_of(entry) < wanted; });
    high = std::partition_point(low, high,
                                [&](const auto& entry) { return byte_of(entry) == wanted; });
    if (low == high) break;
    if (low->first.size() == depth + 1) best = Match{begin, depth + 1, low->second};
  }
  return best;
}

}  // namespace gemma4
