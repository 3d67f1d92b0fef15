// What a full context gives up so that it can go on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "text/tokenizer.hpp"

namespace gemma4 {

/// Tokens begin ... end - 1 are dropped; those from `end` on follow those before `begin`.
struct ContextCut {
  std::uint32_t begin = 0, end = 0;
  std::uint32_t tokens() const { return end - begin; }
};

struct CutRequest {
  std::uint32_t keep_first = 0;  ///< tokens that stay; 0: bos, and the system's turn behind it
  std::uint64_t least = 1;       ///< this many have to go, at least 1
  bool everything = false;       ///< all behind the first may go; else the last token stays
};

/// The oldest turns behind those that stay, as many as are half of the rest or more, best up to
/// where the user speaks; text without turns loses half. `keep_first` is extended to the next turn.
/// Nothing when so much cannot go: a turn is not torn. Does not allocate.
std::optional<ContextCut> context_cut(const Tokenizer::Impl& tokenizer,
                                      std::span<const Token> tokens, const CutRequest& request);

}  // namespace gemma4
