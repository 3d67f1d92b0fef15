// Finds where the latest tokens of a context stood before.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/buffer.hpp"
#include "gemma4/tokenizer.hpp"

namespace gemma4 {

/// The last `length` tokens of the context also end before position `source`.
struct NgramMatch {
  std::uint32_t source = 0;
  std::uint32_t length = 0;  ///< 0: there is none
  bool unanimous = false;    ///< all matches of this length were followed by the same token
};

/// Hash chains as in LZ77 compressors: per pair of tokens a list of the positions after it, latest
/// first. One more token costs one insertion; a search walks a bounded part of one list. Every
/// candidate is compared with the tokens themselves, so that collisions do no harm.
class NgramIndex {
 public:
  static constexpr std::uint32_t kShortest = 2, kLongest = 16;

  /// Looks back `context` tokens. Only this allocates.
  explicit NgramIndex(std::uint32_t context, const AllocatorPtr& allocator = nullptr);
  static std::uint64_t bytes(std::uint32_t context);

  /// Takes what `tokens` has more than before.
  void update(std::span<const Token> tokens);
  /// Tokens that it has taken have changed: all are taken anew by the next update.
  void rewound();

  /// The longest match; of equally long ones the latest of those with the most frequent
  /// continuation. `hint`: a position likely to match (one further on in an earlier match), or 0.
  NgramMatch find(std::span<const Token> tokens, std::uint32_t hint) const;

 private:
  static constexpr std::uint32_t kNone = 0;  // no position before 2 has two tokens before it

  std::size_t slot(Token first, Token second) const;
  std::uint32_t& previous(std::uint32_t position);
  std::uint32_t previous(std::uint32_t position) const;

  using Links = std::vector<std::uint32_t, PlannedMemory<std::uint32_t>>;

  Links heads_;                // [hash of a pair]: latest position after it
  Links previous_;             // [position % size]: next older position of its list
  std::uint32_t indexed_ = 1;  // positions up to this one are in lists
};

}  // namespace gemma4
