// Which drafter a session has.
#pragma once

#include <cstdint>
#include <memory>

#include "gemma4/memory.hpp"

namespace gemma4 {

/// Speculation with a drafter that exists: automatic is resolved, and without a depth or a drafter
/// it is off. Throws Error(invalid_argument) naming option, expected and found.
Speculation settled(const Speculation& speculation);

/// The drafter of settled options; null for none.
std::shared_ptr<Drafter> make_drafter(const SessionOptions& settled_options);

/// Bytes that make_drafter takes; nothing for the user's own.
std::uint64_t drafter_bytes(const SessionOptions& settled_options);

/// Rows that a decoding pass may have: the newest token's and those of the longest draft.
std::uint32_t decode_rows(const Speculation& settled_speculation);

}  // namespace gemma4
