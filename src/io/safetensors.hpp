// The safetensors files of a folder, one or several with an index: a trust boundary.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/mapped_file.hpp"
#include "io/safetensors_part.hpp"

namespace gemma4 {

/// The opened files and all their tensors, in file order. Movable; tensors point into the mappings.
struct SafetensorsFiles {
  std::vector<MappedFile> files;
  std::vector<SafetensorsTensor> tensors;
};

/// Opens and checks `folder`/model.safetensors, or, without it, the files that
/// `folder`/model.safetensors.index.json names, of which only the tensors count that it lists.
/// Throws Error(io | format | unsupported | out_of_memory) naming file, item, expected and found.
SafetensorsFiles open_safetensors(const std::string& folder);

}  // namespace gemma4
