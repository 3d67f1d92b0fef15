// Counts the memory that the program has from the operating system by mmap: all large memory of the
// library comes that way.
#pragma once

#include <cstdint>

namespace gemma4 {

/// Bytes of anonymous mappings that are there now, as they were asked for; -1 where calls cannot be
/// counted: sanitizers have their own mmap, other systems another interface.
std::int64_t mapped_bytes() noexcept;

}  // namespace gemma4
