// Prompts that begin alike are evaluated once.
#pragma once

#include <cstdint>

namespace gemma4 {

/// What a model's prefix cache holds and has done (LoadOptions::prefix_cache_bytes).
struct PrefixStatistics {
  std::uint64_t budget_bytes = 0, held_bytes = 0;
  std::uint64_t held_tokens = 0;     ///< in pieces of 64; beginnings in common count once
  std::uint64_t lookups = 0;         ///< prompts of at least 64 new tokens
  std::uint64_t hits = 0;            ///< of those, prompts whose beginning was found
  std::uint64_t reused_tokens = 0;   ///< tokens that were not evaluated for it
  std::uint64_t evicted_tokens = 0;  ///< given up for newer ones
};

}  // namespace gemma4
