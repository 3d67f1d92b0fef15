#include "weights/config_reader.hpp"

#include <cmath>

#include "base/error.hpp"

namespace gemma4 {
namespace {

// Far above every real model; they keep products of shapes within 64 bits and refuse nonsense
// early.
constexpr std::uint64_t kMaxLayers = 1024, kMaxWidth = 1u << 20, kMaxHeads = 4096,
                        kMaxContext = 1u << 20;

}  // namespace

void ConfigReader::refuse(const char* name, const std::string& expected,
                          const std::string& found) const {
  fail(ErrorCode::format,
       metadata_.file() + ": " + key(name) + ": expected " + expected + ", found " + found);
}

std::uint32_t ConfigReader::checked(const char* name, std::uint64_t value, std::uint64_t low,
                                    std::uint64_t high) const {
  if (value < low || value > high) {
    refuse(name,
           format_text("%llu ... %llu", static_cast<unsigned long long>(low),
                       static_cast<unsigned long long>(high)),
           format_text("%llu", static_cast<unsigned long long>(value)));
  }
  return static_cast<std::uint32_t>(value);
}

std::uint32_t ConfigReader::integer(const char* name, std::uint64_t low, std::uint64_t high) const {
  const auto value = metadata_.unsigned_integer(key(name));
  if (!value) refuse(name, "a number", "no such key");
  return checked(name, *value, low, high);
}

std::uint32_t ConfigReader::width(const char* name) const {
  return multiple_of_32(name, integer(name, 32, kMaxWidth));
}

std::uint64_t ConfigReader::optional_integer(const char* name) const {
  return metadata_.unsigned_integer(key(name)).value_or(0);
}

double ConfigReader::real(const char* name, double fallback) const {
  const auto value = metadata_.real(key(name));
  if (!value && fallback == 0) refuse(name, "a number", "no such key");
  const double found = value.value_or(fallback);
  if (!(found > 0) || !std::isfinite(found))
    refuse(name, "a positive number", format_text("%g", found));
  return found;
}

std::vector<std::uint32_t> ConfigReader::per_layer(const char* name, std::size_t layers,
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

std::uint32_t ConfigReader::multiple_of_32(const char* name, std::uint32_t value) const {
  if (value % 32 != 0) refuse(name, "a multiple of 32", format_text("%u", value));
  return value;
}

std::vector<LayerConfig> ConfigReader::read_layers(std::uint32_t query_heads) const {
  const std::uint32_t count = integer("block_count", 1, kMaxLayers);
  const auto pattern = metadata_.boolean_array(key("attention.sliding_window_pattern"));
  if (!pattern || pattern->size() != count) {
    refuse("attention.sliding_window_pattern", format_text("%u values", count),
           pattern ? format_text("%zu", pattern->size()) : "no such key");
  }
  const auto kv_heads = per_layer("attention.head_count_kv", count, kMaxHeads);
  const auto feed_forward = per_layer("feed_forward_length", count, kMaxWidth);
  // key and value rows have one size in every Gemma 4
  const std::uint32_t size[2] = {integer("attention.key_length", 32, kMaxHeadSize),
                                 integer("attention.key_length_swa", 32, kMaxHeadSize)};
  const std::uint32_t value_size[2] = {integer("attention.value_length", 32, kMaxHeadSize),
                                       integer("attention.value_length_swa", 32, kMaxHeadSize)};
  std::vector<LayerConfig> layers(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    LayerConfig& layer = layers[i];
    layer.sliding = (*pattern)[i];
    layer.head_size = multiple_of_32(
        layer.sliding ? "attention.key_length_swa" : "attention.key_length", size[layer.sliding]);
    if (value_size[layer.sliding] != layer.head_size) {
      refuse(layer.sliding ? "attention.value_length_swa" : "attention.value_length",
             format_text("%u as for keys", layer.head_size),
             format_text("%u", value_size[layer.sliding]));
    }
    layer.kv_heads = kv_heads[i];
    if (query_heads % layer.kv_heads != 0) {
      refuse("attention.head_count_kv", format_text("a divisor of %u query heads", query_heads),
             format_text("%u in layer %u", layer.kv_heads, i));
    }
    layer.feed_forward = multiple_of_32("feed_forward_length", feed_forward[i]);
  }
  return layers;
}

std::uint32_t ConfigReader::read_vocabulary() const {
  const auto* tokens = metadata_.text_array("tokenizer.ggml.tokens");
  if (tokens == nullptr && metadata_.has(key("vocab_size")))  // an assistant without texts
    return integer("vocab_size", 1, kMaxVocabulary);
  if (tokens == nullptr)
    fail(ErrorCode::format,
         metadata_.file() + ": tokenizer.ggml.tokens: expected the vocabulary, found no such key");
  if (tokens->empty() || tokens->size() > kMaxVocabulary) {
    fail(ErrorCode::format,
         metadata_.file() +
             format_text(": tokenizer.ggml.tokens: expected 1 ... %llu entries, found %zu",
                         static_cast<unsigned long long>(kMaxVocabulary), tokens->size()));
  }
  return static_cast<std::uint32_t>(tokens->size());
}

void ConfigReader::read_shapes(ModelConfig& config) const {
  config.hidden = width("embedding_length");
  config.query_heads = integer("attention.head_count", 1, kMaxHeads);
  config.context_limit = integer("context_length", 1, kMaxContext);
  config.window = integer("attention.sliding_window", 1, kMaxContext);
  config.vocabulary = read_vocabulary();
  config.norm_epsilon = static_cast<float>(real("attention.layer_norm_rms_epsilon", 0));
  config.rope_base = real("rope.freq_base", 1e6);
  config.rope_base_sliding = real("rope.freq_base_swa", 1e4);
  config.layers = read_layers(config.query_heads);
}

}  // namespace gemma4
