// The machine in words.
#pragma once

#include <cstdint>
#include <string>

namespace gemma4::bench {

/// Processor, cores this process may use, last-level cache, memory, huge pages: one line.
std::string describe_machine();

/// The last-level cache that the first core uses; 0 when the system does not say.
std::uint64_t last_cache_bytes();

}  // namespace gemma4::bench
