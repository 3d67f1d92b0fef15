// Regular expressions over module names, as quantization_config has them.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gemma4 {

/// A pattern of Python's `re` that is matched from the start of a name (re.match). Literals, ".",
/// classes, groups, "|", "*", "+", "?", "^", "$" and the usual escapes. Matching takes time
/// proportional to pattern times name, whatever the pattern.
class NamePattern {
 public:
  static constexpr std::size_t kMaxBytes = 1024;

  /// Throws Error(unsupported) for a pattern that is longer, or that needs more than the above.
  explicit NamePattern(std::string_view pattern);

  bool matches(std::string_view name) const;

 private:
  friend class NamePatternParser;

  enum class Kind : std::uint8_t { character, split, jump, begin, end };
  /// One step of a program: a character from a set goes to the next one; split goes to the next and
  /// to `other`, jump to `other`.
  struct Step {
    Kind kind;
    std::int32_t other = 0;  // relative to this step
    std::bitset<256> set = {};
  };

  std::vector<Step> steps_;  // the place behind the last one is a match
};

}  // namespace gemma4
