// Whether and how a session guesses tokens ahead. Changes speed, never results.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "gemma4/drafter.hpp"

namespace gemma4 {

/// Who guesses.
enum class DrafterKind : std::int32_t {
  automatic = 0,  ///< the best there is: NgramDrafter, and the model's assistant if it has one
  mtp = 1,        ///< the assistant model; Error(invalid_argument) when the model has none
  ngram = 2,      ///< NgramDrafter
  none = 3,       ///< nobody
  custom = 4,     ///< Speculation::custom
};

/// How many tokens are guessed before the model checks them, and by whom. For example
/// `Speculation::fixed(3).by(DrafterKind::ngram)`.
struct Speculation {
  static constexpr std::int32_t kAutomaticDepth = -1;

  std::int32_t depth = kAutomaticDepth;  ///< tokens of a draft, 1 ... kMostDrafts; 0 = off; or
                                         ///< kAutomaticDepth
  DrafterKind drafter = DrafterKind::automatic;
  std::shared_ptr<Drafter> custom = {};  ///< for DrafterKind::custom; the session shares it

  /// Puts a drafter of the caller's around the session's own, which `drafter` names: to watch it,
  /// to shorten its drafts, to change them. Called once while the session is made, not for one that
  /// never drafts; the session asks what it returns and nobody else (null:
  /// Error(invalid_argument)). The own drafter reads the state of its session: call it only from
  /// within calls of the session's, on the same thread, and pass on verified() and rewound(); after
  /// the session has gone it may be released, not called.
  std::function<std::shared_ptr<Drafter>(std::shared_ptr<Drafter> own)> wrap = {};

  /// As many as pay, from measured times and the acceptance so far; none when none do.
  static Speculation automatic() { return {}; }
  /// One token after another.
  static Speculation off() { return {0, DrafterKind::none, {}, {}}; }
  /// Always as many as the drafter gives, at most `tokens`.
  static Speculation fixed(std::uint32_t tokens) {
    return {static_cast<std::int32_t>(tokens), DrafterKind::automatic, {}, {}};
  }

  Speculation by(DrafterKind kind) const { return {depth, kind, custom, wrap}; }
  Speculation by(std::shared_ptr<Drafter> own) const {
    return {depth, DrafterKind::custom, std::move(own), wrap};
  }
  Speculation wrapped(std::function<std::shared_ptr<Drafter>(std::shared_ptr<Drafter>)> by) const {
    return {depth, drafter, custom, std::move(by)};
  }
};

}  // namespace gemma4
