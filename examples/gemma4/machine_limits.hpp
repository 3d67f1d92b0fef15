// What this machine can do at best, measured beside what a model does on it.
#pragma once

#include <optional>

#include "gemma4/model.hpp"
#include "measure.hpp"

namespace cli {

/// Bytes a second that `threads` threads, the caller's among them, together read from memory, each
/// streaming over its own part of a buffer much larger than the caches: the limit that decoding is
/// measured against. Throws std::runtime_error when there is no memory for it.
Spread read_bandwidth(int threads);

/// Multiply-adds of 8-bit integers a second that `threads` threads do with the instructions of
/// `isa` when no load stands in their way: the limit that reading a prompt is measured against.
/// Nothing where no such loop is written.
std::optional<Spread> int8_rate(gemma4::Isa isa, int threads);

}  // namespace cli
