// The shapes of an MTP assistant, and whether it fits a model. docs/assistant.md says what it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/metadata.hpp"
#include "weights/model_config.hpp"

namespace gemma4 {

/// Centroids whose tokens are looked at when an assistant has a centroid head: the "top 32" of its
/// training configuration, which GGUF has no key for.
constexpr std::uint32_t kCentroidsTaken = 32;

/// Tiles of a head with a sketch that a step looks at: as many tokens as those of 32 centroids of
/// the published assistants, which have 128 each.
constexpr std::uint32_t kTilesTaken = 256;

/// Heads of so many rows are sketched: of smaller ones the tiles taken are a large part, and they
/// stay in the processor's cache.
constexpr std::uint32_t kSketchedRows = 32768;

struct AssistantConfig {
  /// Its own layers. KV heads and head sizes are those of the model's cache it reads; it has no
  /// keys and values of its own, no softcap, and takes the model's embeddings.
  ModelConfig shapes;
  std::uint32_t backbone = 0;  ///< width of the model it belongs to
  /// Clusters of tokens that its head chooses from first; 0: none. Settled
  /// by which tensors exist.
  std::uint32_t centroids = 0;
  bool sketched = false;  ///< whether the head's rows are chosen by a sketch. Settled likewise
};

/// Whether an architecture is that of an assistant, in its present or an older spelling.
bool is_assistant(std::string_view architecture) noexcept;

/// Reads the configuration of an assistant. Throws Error(format) for missing, wrong or
/// contradicting values and Error(unsupported) for what is no assistant or an older kind of file,
/// naming file, key, expected and found.
AssistantConfig read_assistant_config(const Metadata& metadata);

/// The model's layer whose keys and values a layer of an assistant reads: the last one of its kind.
/// layers.size() when there is none.
std::size_t source_layer(const ModelConfig& model, bool sliding) noexcept;

/// Refuses an assistant that was made for another model: Error(invalid_argument) naming both files,
/// the item, expected and found.
void check_pairing(const AssistantConfig& assistant, const std::string& assistant_file,
                   const ModelConfig& model, const std::string& model_file);

}  // namespace gemma4
