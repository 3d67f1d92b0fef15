// Finds the texts that end an answer while it streams.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gemma4 {

/// Passes text on, holding back only what a stop text may still begin with. The first stop text to
/// be complete wins, the longest of those that end together, so the outcome does not depend on how
/// the text is cut into pieces.
class StopMatcher {
 public:
  /// Throws Error(invalid_argument) for a stop text that is not UTF-8; empty ones are ignored. Only
  /// this allocates.
  void start(std::span<const std::string> stops);

  /// Takes text and appends to `out` what is certain. True when a stop text was found: what stood
  /// before it is in `out`.
  bool feed(std::string_view text, std::string& out);

  /// Appends what is held back: no stop text can follow any more.
  void release(std::string& out);

 private:
  struct Stop {
    std::string text;
    std::vector<std::uint32_t>
        fallback;               // [n]: longest proper prefix that the first n bytes end with
    std::uint32_t matched = 0;  // bytes of `text` that the input ends with
  };

  std::string_view held() const;

  std::vector<Stop> stops_;
};

}  // namespace gemma4
