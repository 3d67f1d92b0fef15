// GGUF version 3 files (and their split form): a trust boundary, everything is checked.
#pragma once

#include <string>
#include <vector>

#include "io/mapped_file.hpp"
#include "io/metadata.hpp"
#include "io/tensor_directory.hpp"

namespace gemma4 {

/// An opened checkpoint: the mapped files, the metadata (of the first file) and all tensors.
/// Movable; tensors and metadata point into the mappings.
struct GgufFile {
  std::vector<MappedFile> files;
  Metadata metadata;
  TensorDirectory tensors;
  std::uint64_t file_bytes = 0;  ///< sum over all files
};

/// Opens and checks `path`; of a split checkpoint any part may be named, the others are found
/// beside it. Throws Error(io | format | unsupported | out_of_memory) naming file, item, expected
/// and found.
GgufFile open_gguf(const std::string& path);

}  // namespace gemma4
