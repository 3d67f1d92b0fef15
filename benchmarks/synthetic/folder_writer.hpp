// A GGUF checkpoint of Q4_0 matrices as a Hugging Face folder.
#pragma once

#include <string>

#include "io/checkpoint.hpp"

namespace gemma4::synthetic {

enum class FolderKind {
  w4a16,  ///< compressed-tensors: the codes of Q4_0 matrices with their scales as BF16
  bf16,   ///< everything rounded to BF16
};

/// Writes config.json, model.safetensors and, for a model, tokenizer.json, generation_config.json
/// and chat_template.jinja into `folder`, which is made. Embedding and vectors are BF16 in both
/// kinds. Throws gemma4::Error(io).
void write_folder(const Checkpoint& source, const std::string& folder, FolderKind kind);

}  // namespace gemma4::synthetic
