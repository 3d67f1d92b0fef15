// The few best of many.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "gemma4/tokenizer.hpp"

namespace gemma4 {

/// A token that an assistant proposes.
struct DraftChoice {
  float logit = 0;
  Token token = 0;
};

/// The best of the choices it was offered: larger logits first, lower tokens first among equals.
/// That order is total, so neither the order of offers nor how they were shared out shows in it.
struct BestChoices {
  std::span<DraftChoice> room;
  std::uint32_t count = 0;
  std::uint32_t most = 0;  ///< kept at most, not more than there is room for

  /// Forgets all, and keeps so many from now on, or as many as there is room for.
  void begin(std::uint32_t wanted) {
    count = 0;
    most = std::min(wanted, static_cast<std::uint32_t>(room.size()));
  }

  /// False where an offer would be in vain: nearly always.
  bool wants(float logit) const {
    return count < most || (most > 0 && logit >= room[most - 1].logit);
  }

  void offer(const DraftChoice& choice);  ///< no NaN
  void offer(const BestChoices& others) {
    for (const DraftChoice& choice : others.room.first(others.count)) offer(choice);
  }
};

}  // namespace gemma4
