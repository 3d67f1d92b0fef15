// An opened checkpoint, whatever kind of file it came from.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "io/mapped_file.hpp"
#include "io/metadata.hpp"
#include "io/tensor_directory.hpp"

namespace gemma4 {

/// Metadata and tensors under GGUF's names. Movable; both point into the mappings and `texts`.
struct Checkpoint {
  std::string path;               ///< the file it was opened as, or the folder
  std::vector<MappedFile> files;  ///< those with tensors first
  Metadata metadata;              ///< of a split GGUF: of its first file
  TensorDirectory tensors;
  std::uint64_t file_bytes = 0;    ///< sum over all files
  std::vector<std::string> notes;  ///< what of the files is not used, for display
  std::deque<std::string> texts;   ///< what no file holds as it is needed
};

}  // namespace gemma4
