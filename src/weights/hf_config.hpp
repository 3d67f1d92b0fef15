// config.json of a Hugging Face folder.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "io/json_file.hpp"
#include "io/metadata.hpp"

namespace gemma4 {

/// What config.json says that GGUF says by its tensors.
struct HfConfig {
  bool assistant = false;
  bool tied = true;                             ///< the head is the embedding
  bool value_from_key = false;                  ///< full layers have no V projection
  bool centroids = false;                       ///< the assistant's head chooses clusters first
  std::optional<std::uint64_t> centroid_count;  ///< of such a head, if it is said
  std::uint64_t vocabulary = 0;
  std::vector<bool> sliding;  ///< per layer
  /// Rotary factors of full layers, one per pair: those beyond the rotated part do not turn. Empty:
  /// all turn.
  std::vector<float> rope_factors;
};

/// Adds the keys that GGUF has for the shapes of a model or an assistant, in the nested form of the
/// published checkpoints or in that of the text model alone. Field names as in the transformers
/// library. Throws Error(format) for what is missing or wrong and Error(unsupported) for what this
/// version does not compute, naming file, key, expected and found.
HfConfig read_hf_config(const JsonTable& root, Metadata& metadata);

}  // namespace gemma4
