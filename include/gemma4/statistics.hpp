// What a session has done so far.
#pragma once

#include <cstdint>

namespace gemma4 {

/// Totals since the session was created. Times are wall-clock nanoseconds inside the library.
struct Statistics {
  std::uint64_t prefill_tokens = 0;  ///< tokens evaluated from prompts
  std::uint64_t prefill_ns = 0;
  std::uint64_t decode_tokens = 0;  ///< tokens evaluated one step after another
  std::uint64_t decode_ns = 0;
  std::uint64_t target_steps = 0;  ///< passes over the model's weights while decoding
  std::uint64_t drafted = 0;       ///< tokens proposed by a drafter
  std::uint64_t accepted = 0;      ///< of those, tokens that the model chose too

  double prefill_tokens_per_second() const {
    return prefill_ns ? 1e9 * double(prefill_tokens) / double(prefill_ns) : 0.0;
  }
  double decode_tokens_per_second() const {
    return decode_ns ? 1e9 * double(decode_tokens) / double(decode_ns) : 0.0;
  }
};

}  // namespace gemma4
