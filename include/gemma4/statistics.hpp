// What a session has done so far.
#pragma once

#include <array>
#include <cstdint>

#include "gemma4/drafter.hpp"

namespace gemma4 {

/// Totals since the session was created. Times are wall-clock nanoseconds inside the library.
struct Statistics {
  std::uint64_t prefill_tokens = 0;  ///< tokens evaluated from prompts
  std::uint64_t prefill_ns = 0;
  std::uint64_t reused_tokens = 0;  ///< tokens of prompts whose rows came from the prefix cache
  std::uint64_t decode_tokens = 0;  ///< tokens evaluated while decoding, rejected ones not counted
  std::uint64_t decode_ns = 0;      ///< drafting included
  std::uint64_t target_steps = 0;   ///< passes over the model's weights while decoding

  std::uint64_t drafted = 0;   ///< tokens of drafts that the model checked
  std::uint64_t accepted = 0;  ///< of those, tokens that the model chose too
  /// The same by place in the draft: drafts that had a token there, and those of which it and all
  /// before it were accepted.
  std::array<std::uint64_t, kMostDrafts> offered_at{}, accepted_at{};
  std::array<std::uint64_t, kMostDrafts + 1> depths{};  ///< passes by the tokens drafted for them
  std::uint64_t draft_ns = 0;                           ///< of decode_ns: in the drafter
  std::uint64_t verify_ns = 0;  ///< of decode_ns: in passes that checked a draft

  std::uint64_t shifts = 0;              ///< times that a full context made room (ContextPolicy)
  std::uint64_t dropped_tokens = 0;      ///< tokens that it lost by them
  std::uint64_t reprocessed_tokens = 0;  ///< tokens that stayed and had to be evaluated again

  double prefill_tokens_per_second() const {
    return prefill_ns ? 1e9 * double(prefill_tokens) / double(prefill_ns) : 0.0;
  }
  double decode_tokens_per_second() const {
    return decode_ns ? 1e9 * double(decode_tokens) / double(decode_ns) : 0.0;
  }
  double tokens_per_target_step() const {
    return target_steps ? double(decode_tokens) / double(target_steps) : 0.0;
  }
  /// What a pass without draft took on average; 0 = there was none.
  double plain_step_ns() const {
    return depths[0] ? double(decode_ns - draft_ns - verify_ns) / double(depths[0]) : 0.0;
  }
  /// How many times faster decoding was than it would have been without drafts, if every token had
  /// taken a plain step; 0 = unknown.
  double speedup_over_plain() const {
    return decode_ns ? double(decode_tokens) * plain_step_ns() / double(decode_ns) : 0.0;
  }
};

}  // namespace gemma4
