// Counts every call of operator new in the program, on any thread.
#pragma once

#include <cstdint>

namespace gemma4 {

/// Calls of any form of operator new since the program began.
std::uint64_t allocation_count() noexcept;

/// Of those, what has not been deleted yet.
std::int64_t live_allocations() noexcept;
/// Its size as the C library has it; 0 where that cannot be asked.
std::int64_t live_bytes() noexcept;

}  // namespace gemma4
