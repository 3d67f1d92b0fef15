// A model's shapes and constants, read from its metadata once and trusted afterwards. Variants are
// data: nothing asks for a name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gemma4/model.hpp"
#include "gemma4/sampling.hpp"
#include "io/metadata.hpp"

namespace gemma4 {

/// The embedding scale sqrt(hidden size): exact, as llama.cpp and the GGUF world compute it, or
/// rounded to BF16 as the training code does (62.0 instead of 61.97 for the 12B). Nothing published
/// says which one a file expects; the tiny model's goldens use the exact one.
constexpr bool kRoundEmbeddingScale = false;

/// LayerConfig::turning_pairs of a head that turns as a whole.
constexpr std::uint32_t kAllPairs = 0xffffffffu;

/// One decoder layer. A kind of layer is a combination of these values.
struct LayerConfig {
  bool sliding = true;  ///< sees only the last `window` positions
  std::uint32_t kv_heads = 0;
  std::uint32_t head_size = 0;  ///< a multiple of 16
  std::uint32_t feed_forward = 0;
  bool value_from_key = false;  ///< no V projection: V is the raw K projection through its own norm
  std::uint32_t turning_pairs = kAllPairs;  ///< the first ones of a head; the others never turn
};

struct ModelConfig {
  std::string architecture;  ///< also the prefix of the metadata keys
  std::uint32_t hidden = 0, query_heads = 0, vocabulary = 0, context_limit = 0, window = 0;
  float norm_epsilon = 0, softcap = 0;
  double rope_base = 0, rope_base_sliding = 0;
  float embedding_scale = 0;
  std::vector<LayerConfig> layers;
  SamplingOptions sampling;  ///< what the file recommends
  ActivationType activations =
      ActivationType::int8;  ///< the user's choice, or WeightPlan::made_for

  std::uint32_t query_size(const LayerConfig& layer) const { return query_heads * layer.head_size; }
  std::uint32_t kv_size(const LayerConfig& layer) const { return layer.kv_heads * layer.head_size; }
};

/// Far above every real model, like the limits of config_reader.cpp.
constexpr std::uint64_t kMaxHeadSize = 1024, kMaxVocabulary = 1u << 24;

/// GGUF marks pairs that do not turn by a rotary factor of 1e30; from here on a factor means that.
constexpr double kNeverTurns = 1e20;

/// How many pairs turn, behind which none does, by the factors of a head's pairs.
std::uint32_t turning_pairs(std::span<const double> factors) noexcept;

/// Reads the configuration of a dense Gemma 4. Throws Error(format) for missing, wrong or
/// contradicting values and Error(unsupported) for features this library does not have, naming
/// file, key, expected and found. value_from_key and turning_pairs are settled later, by which
/// tensors exist and what they hold.
ModelConfig read_model_config(const Metadata& metadata);

}  // namespace gemma4
