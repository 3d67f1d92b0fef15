// Finds the texts of special tokens inside a text.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemma4/tokenizer.hpp"

namespace gemma4 {

/// From left to right, the longest at each place. The reference cuts out the longest texts of the
/// whole set first; the two agree when occurrences cannot overlap, as with Gemma 4's, which have
/// '<' at their begin and nowhere else.
class SpecialMatcher {
 public:
  struct Match {
    std::size_t begin, bytes;
    Token token;
  };

  void add(std::string_view text, Token token);  ///< an empty or known text is ignored
  void prepare();                                ///< once, after the last add()

  /// The first match at or after `from`.
  std::optional<Match> next(std::string_view text, std::size_t from) const;

 private:
  std::optional<Match> longest_at(std::string_view text, std::size_t begin) const;

  std::vector<std::pair<std::string, Token>> entries_;  // sorted by text
  std::array<bool, 256> begins_{};                      // bytes that some entry begins with
};

}  // namespace gemma4
