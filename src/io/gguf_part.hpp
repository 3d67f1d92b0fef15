// The bytes of one GGUF file to metadata and tensors. Nothing in the bytes is believed before it is
// checked.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "io/metadata.hpp"
#include "io/tensor_directory.hpp"

namespace gemma4 {

/// One file; of a split checkpoint, one part. Views point into the bytes it was parsed from.
struct GgufPart {
  Metadata metadata;
  TensorDirectory tensors;
};

/// Parses a whole file. `file` is the name for error messages. Throws Error(format | unsupported).
/// The memory it takes is proportional to the file's size, whatever the counts in the file claim.
GgufPart parse_gguf(std::span<const std::byte> bytes, const std::string& file);

}  // namespace gemma4
