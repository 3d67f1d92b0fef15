// A Hugging Face folder's tensors under GGUF's names.
#pragma once

#include <string>

#include "io/checkpoint.hpp"
#include "io/safetensors.hpp"
#include "weights/hf_config.hpp"
#include "weights/hf_quantization.hpp"

namespace gemma4 {

/// Adds what a text model or assistant needs to `out`, whose files stay as they are; 4-bit matrices
/// (weight_packed, weight_scale, weight_shape, weight_zero_point) become one tensor of type I4.
/// What is left out becomes notes. `folder` is the name for messages. Throws Error(format |
/// unsupported) naming file, tensor, expected and found.
void add_hf_tensors(const SafetensorsFiles& source, const std::string& folder,
                    const HfConfig& config, const HfQuantization& quantization, Checkpoint& out);

}  // namespace gemma4
