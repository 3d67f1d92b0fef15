// What the model left behind, for drafters that continue from it.
#pragma once

#include <cstdint>
#include <span>

#include "cache/kv_cache.hpp"

namespace gemma4 {

/// A session keeps one of these; it is up to date whenever the session's drafter is asked, and a
/// drafter of the library may hold a reference to it. The newest token of the context, at position
/// DraftRequest::position - 1, has no row in the cache yet.
struct TargetState {
  const KvCache* cache = nullptr;  ///< rows of all tokens but the newest
  /// [hidden] of the token before the newest, after the output norm. Empty when its logits are gone
  /// (it was the end of a batch whose logits nobody wanted, or was taken back): no draft can be
  /// made then. Lies in the session's workspace until the next pass.
  std::span<const float> hidden;
};

}  // namespace gemma4
