// Counts every call of operator new in the program, on any thread.
#pragma once

#include <cstdint>

namespace gemma4 {

/// Calls of any form of operator new since the program began.
std::uint64_t allocation_count() noexcept;

}  // namespace gemma4
