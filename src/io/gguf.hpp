// GGUF version 3 files (and their split form): a trust boundary, everything is checked.
#pragma once

#include <string>

#include "io/checkpoint.hpp"

namespace gemma4 {

/// Opens and checks `path`; of a split checkpoint any part may be named, the others are found
/// beside it. Throws Error(io | format | unsupported | out_of_memory) naming file, item, expected
/// and found.
Checkpoint open_gguf(const std::string& path);

}  // namespace gemma4
