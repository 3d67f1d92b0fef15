// Writes a planned checkpoint to disk, on several threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "key_writer.hpp"
#include "model_plan.hpp"

namespace gemma4::synthetic {

/// Writes (and replaces) the file. Its bytes depend on the plan and the seed, not on the number of
/// threads. A file that could not be finished is removed. Throws gemma4::Error(io).
void write_file(const std::string& path, const KeyWriter& keys,
                const std::vector<PlannedTensor>& tensors, std::uint64_t seed, unsigned threads);

}  // namespace gemma4::synthetic
