// Hugging Face folders: config.json, tokenizer.json, safetensors.
#pragma once

#include <string>

#include "io/checkpoint.hpp"

namespace gemma4 {

/// Opens a GGUF or packed file, or the folder of a published checkpoint (also named by its
/// config.json, model.safetensors or model.safetensors.index.json). Throws Error(io | format |
/// unsupported | out_of_memory) naming file, item, expected and found.
Checkpoint open_checkpoint(const std::string& path);

}  // namespace gemma4
