#include "weights/model_config.hpp"

#include <cmath>

#include "base/error.hpp"

namespace gemma4 {
namespace {

// Far above every real model; they keep products of shapes within 64 bits and refuse nonsense
// early.
constexpr std::uint64_t kMaxLayers = 1024, kMaxWidth = 1u << 20, kMaxHeads = 4096,
                        kMaxHeadSize = 1024, kMaxVocabulary = 1u << 24, kMaxContext = 1u << 20;

/// Reads keys under "<architecture>.".
class Reader {
 public:
  Reader(const Metadata& metadata, std::string prefix)
      : metadata_(metadata), prefix_(std::move(prefix)) {}

  std::string key(const char* name) const { return prefix_ + "." + name; }

  [[noreturn]] void refuse(const char* name, const std::string& expected,
                           const std::string& found) const {
    fail(ErrorCode::format,
         metadata_.file() + ": " + key(name) + ": expected " + expected + ", found " + found);
  }

  std::uint32_t checked(const char* name, std::uint64_t value, std::uint64_t low,
                        std::uint64_t high) const {
    if (value < low || value > high) {
      refuse(name,
             format_text("%llu ... %llu", static_cast<unsigned long long>(low),
                         static_cast<unsigned long long>(high)),
             format_text("%llu", static_cast<unsigned long long>(value)));
    }
    return static_cast<std::uint32_t>(value);
  }

  std::uint32_t integer(const char* name, std::uint64_t low, std::uint64_t high) const {
    const auto value = metadata_.unsigned_integer(key(name));
    if (!value) refuse(name, "a number", "no such key");
    return checked(name, *value, low, high);
  }

  std::uint64_t optional_integer(const char* name) const {
    return metadata_.unsigned_integer(key(name)).value_or(0);
  }

  /// A positive finite number; a fallback of 0 makes the key mandatory.
  double real(const char* name, double fallback) const {
    const auto value = metadata_.real(key(name));
    if (!value && fallback == 0) refuse(name, "a number", "no such key");
    const double found = value.value_or(fallback);
    if (!(found > 0) || !std::isfinite(found))
      refuse(name, "a positive number", format_text("%g", found));
    return found;
  }

  /// One value per layer; a scalar stands for all layers.
  std::vector<std::uint32_t> per_layer(const char* name, std::size_t layers,
                                       std::uint64_t high) const {
    const auto values = metadata_.unsigned_array(key(name));
    if (!values) refuse(name, "a number or one per layer", "no such key");
    if (values->size() != 1 && values->size() != layers) {
      refuse(name, format_text("1 or %zu values", layers), format_text("%zu", values->size()));
    }
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i < layers; ++i)
      out.push_back(checked(name, (*values)[values->size() == 1 ? 0 : i], 1, high));
    return out;
  }

  const Metadata& metadata() const { return metadata_; }

 private:
  const Metadata& metadata_;
  std::string prefix_;
};

void refuse_unsupported(const Reader& reader) {
  const struct {
    const char* key;
    const char* feature;
  } kFeatures[] = {
      {"expert_count", "mixture of experts (26B-A4B)"},
      {"embedding_length_per_layer_input", "per-layer embeddings (E2B, E4B)"},
      {"attention.shared_kv_layers", "layers that share another layer's KV (E2B, E4B)"}};
  for (const auto& feature : kFeatures) {
    const std::uint64_t found = reader.optional_integer(feature.key);
    if (found != 0) {
      fail(ErrorCode::unsupported,
           reader.metadata().file() + ": " + reader.key(feature.key) +
               format_text(": expected 0, found %llu: %s are not supported by this version",
                           static_cast<unsigned long long>(found), feature.feature));
    }
  }
}

std::uint32_t multiple_of_32(const Reader& reader, const char* name, std::uint32_t value) {
  if (value % 32 != 0) reader.refuse(name, "a multiple of 32", format_text("%u", value));
  return value;
}

std::vector<LayerConfig> read_layers(const Reader& reader, std::uint32_t query_heads) {
  const std::uint32_t count = reader.integer("block_count", 1, kMaxLayers);
  const auto pattern =
      reader.metadata().boolean_array(reader.key("attention.sliding_window_pattern"));
  if (!pattern || pattern->size() != count) {
    reader.refuse("attention.sliding_window_pattern", format_text("%u values", count),
                  pattern ? format_text("%zu", pattern->size()) : "no such key");
  }
  const auto kv_heads = reader.per_layer("attention.head_count_kv", count, kMaxHeads);
  const auto feed_forward = reader.per_layer("feed_forward_length", count, kMaxWidth);
  // key and value rows have one size in every Gemma 4
  const std::uint32_t size[2] = {reader.integer("attention.key_length", 32, kMaxHeadSize),
                                 reader.integer("attention.key_length_swa", 32, kMaxHeadSize)};
  const std::uint32_t value_size[2] = {
      reader.integer("attention.value_length", 32, kMaxHeadSize),
      reader.integer("attention.value_length_swa", 32, kMaxHeadSize)};
  std::vector<LayerConfig> layers(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    LayerConfig& layer = layers[i];
    layer.sliding = (*pattern)[i];
    layer.head_size =
        multiple_of_32(reader, layer.sliding ? "attention.key_length_swa" : "attention.key_length",
                       size[layer.sliding]);
    if (value_size[layer.sliding] != layer.head_size) {
      reader.refuse(layer.sliding ? "attention.value_length_swa" : "attention.value_length",
                    format_text("%u as for keys", layer.head_size),
                    format_text("%u", value_size[layer.sliding]));
    }
    layer.kv_heads = kv_heads[i];
    if (query_heads % layer.kv_heads != 0) {
      reader.refuse("attention.head_count_kv",
                    format_text("a divisor of %u query heads", query_heads),
                    format_text("%u in layer %u", layer.kv_heads, i));
    }
    layer.feed_forward = multiple_of_32(reader, "feed_forward_length", feed_forward[i]);
  }
  return layers;
}

/// Google's recommendation for all sizes, unless the file has its own.
SamplingOptions read_sampling(const Metadata& metadata) {
  SamplingOptions options;
  options.temperature = static_cast<float>(metadata.real("general.sampling.temp").value_or(1.0));
  options.top_p = static_cast<float>(metadata.real("general.sampling.top_p").value_or(0.95));
  options.top_k = static_cast<std::int32_t>(std::min<std::uint64_t>(
      metadata.unsigned_integer("general.sampling.top_k").value_or(64), 1u << 24));
  const bool sane = options.temperature >= 0 && std::isfinite(options.temperature) &&
                    options.top_p >= 0 && options.top_p <= 1;
  if (!sane)
    fail(ErrorCode::format,
         metadata.file() + ": general.sampling: expected temp >= 0 and 0 <= top_p <= 1, found " +
             format_text("%g and %g", double(options.temperature), double(options.top_p)));
  return options;
}

}  // namespace

ModelConfig read_model_config(const Metadata& metadata) {
  const auto architecture = metadata.text("general.architecture");
  if (!architecture || *architecture != "gemma4") {
    fail(architecture ? ErrorCode::unsupported : ErrorCode::format,
         metadata.file() + ": general.architecture: expected \"gemma4\", found " +
             (architecture ? quoted(*architecture) : "no such key") +
             (architecture && *architecture == "gemma4-assistant"
                  ? " (an MTP assistant is not a model of its own)"
                  : ""));
  }
  const Reader reader(metadata, std::string(*architecture));
  refuse_unsupported(reader);
  ModelConfig config;
  config.architecture = std::string(*architecture);
  config.hidden =
      multiple_of_32(reader, "embedding_length", reader.integer("embedding_length", 32, kMaxWidth));
  config.query_heads = reader.integer("attention.head_count", 1, kMaxHeads);
  config.context_limit = reader.integer("context_length", 1, kMaxContext);
  config.window = reader.integer("attention.sliding_window", 1, kMaxContext);
  const auto* tokens = metadata.text_array("tokenizer.ggml.tokens");
  if (tokens == nullptr)
    fail(ErrorCode::format,
         metadata.file() + ": tokenizer.ggml.tokens: expected the vocabulary, found no such key");
  if (tokens->empty() || tokens->size() > kMaxVocabulary) {
    fail(ErrorCode::format,
         metadata.file() +
             format_text(": tokenizer.ggml.tokens: expected 1 ... %llu entries, found %zu",
                         static_cast<unsigned long long>(kMaxVocabulary), tokens->size()));
  }
  config.vocabulary = static_cast<std::uint32_t>(tokens->size());
  config.norm_epsilon = static_cast<float>(reader.real("attention.layer_norm_rms_epsilon", 0));
  config.softcap = static_cast<float>(reader.real("final_logit_softcapping", 30.0));
  config.rope_base = reader.real("rope.freq_base", 1e6);
  config.rope_base_sliding = reader.real("rope.freq_base_swa", 1e4);
  config.layers = read_layers(reader, config.query_heads);
  const float scale = std::sqrt(static_cast<float>(config.hidden));
  config.embedding_scale =
      kRoundEmbeddingScale
          ? std::ldexp(std::nearbyint(std::ldexp(scale, 8 - std::ilogb(scale) - 1)),
                       std::ilogb(scale) + 1 - 8)
          : scale;
  config.sampling = read_sampling(metadata);
  return config;
}

}  // namespace gemma4
