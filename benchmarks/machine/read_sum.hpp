// Reads memory as fast as a core can. Needs nothing of the library: the program `gemma4` measures
// with it too.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gemma4::bench {

/// The sum of `bytes` bytes, a multiple of 128 and aligned to 32, as 64-bit words. `prefetch`: ask
/// a page ahead, where there is a way to; that makes some machines faster and some slower.
using ReadSum = std::uint64_t (*)(const std::byte* data, std::uint64_t bytes, bool prefetch);

/// The fastest for this processor.
ReadSum best_read_sum();

}  // namespace gemma4::bench
