#include "weights/hf_config.hpp"

#include <charconv>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "weights/assistant_config.hpp"

namespace gemma4 {
namespace {

constexpr std::string_view kSliding = "sliding_attention", kFull = "full_attention";

/// GGUF's factor for pairs that do not turn: the angle is divided by it.
constexpr float kStill = 1e30f;

std::uint64_t required(const JsonTable& table, const char* key) {
  const auto value = table.integer(key);
  if (!value) table.refuse(key, "an integer", "no such key");
  return *value;
}

double required_real(const JsonTable& table, const char* key) {
  const auto value = table.real(key);
  if (!value) table.refuse(key, "a number", "no such key");
  return *value;
}

JsonTable required_table(const JsonTable& table, const char* key) {
  const auto value = table.table(key);
  if (!value) table.refuse(key, "an object", "no such key");
  return *value;
}

/// Reads one configuration of a text model into the keys of one architecture.
class TextConfig {
 public:
  TextConfig(const JsonTable& table, Metadata& metadata, HfConfig& out)
      : table_(table),
        metadata_(metadata),
        out_(out),
        prefix_(out.assistant ? "gemma4-assistant." : "gemma4.") {}

  void read() {
    refuse_features();
    copy("num_hidden_layers", "block_count");
    copy("max_position_embeddings", "context_length");
    copy("hidden_size", "embedding_length");
    copy("intermediate_size", "feed_forward_length");
    copy("num_attention_heads", "attention.head_count");
    copy("sliding_window", "attention.sliding_window");
    copy("vocab_size", "vocab_size");
    copy_optional("num_kv_shared_layers", "attention.shared_kv_layers");
    copy_optional("hidden_size_per_layer_input", "embedding_length_per_layer_input");
    out_.vocabulary = required(table_, "vocab_size");
    out_.value_from_key = table_.boolean("attention_k_eq_v").value_or(false);
    add("attention.layer_norm_rms_epsilon", required_real(table_, "rms_norm_eps"));
    read_layers();
    read_rope();
    if (!out_.assistant) read_softcap();
  }

 private:
  void add(const char* key, MetadataValue value) { metadata_.add(prefix_ + key, std::move(value)); }
  void copy(const char* from, const char* to) { add(to, required(table_, from)); }
  void copy_optional(const char* from, const char* to) {
    if (const auto value = table_.integer(from)) add(to, *value);
  }

  void refuse_text(const char* key, std::string_view expected) const {
    const auto found = table_.text(key);
    if (found && *found != expected)
      table_.refuse(key, in_quotes(expected), in_quotes(*found), ErrorCode::unsupported);
  }
  void refuse_true(const char* key) const {
    if (table_.boolean(key).value_or(false))
      table_.refuse(key, "false", "true, which this version does not compute",
                    ErrorCode::unsupported);
  }

  void refuse_features() const {
    refuse_text("hidden_activation", "gelu_pytorch_tanh");
    refuse_text("use_bidirectional_attention", "vision");  // of image tokens, which no text has
    refuse_true("attention_bias");
    refuse_true("use_double_wide_mlp");
    if (table_.boolean("enable_moe_block").value_or(false))
      table_.refuse("enable_moe_block", "false",
                    "true: mixture of experts (26B-A4B) are not supported by this version",
                    ErrorCode::unsupported);
  }

  void read_layers() {
    const std::uint64_t count = required(table_, "num_hidden_layers");
    const auto types = table_.array("layer_types");
    if (!types || types->size() != count) {
      table_.refuse("layer_types", std::to_string(count) + " types of layers",
                    types ? std::to_string(types->size()) : "no such key");
    }
    for (const simdjson::dom::element type : *types) {
      std::string_view name;
      if (type.get(name) != simdjson::SUCCESS || (name != kSliding && name != kFull)) {
        table_.refuse("layer_types", "sliding_attention or full_attention",
                      name.empty() ? "something else" : in_quotes(name));
      }
      out_.sliding.push_back(name == kSliding);
    }
    read_heads();
    add("attention.sliding_window_pattern", out_.sliding);
  }

  /// KV heads and head sizes: two kinds, or overridden layer by layer.
  void read_heads() {
    const std::uint64_t heads = required(table_, "num_key_value_heads"),
                        size = required(table_, "head_dim");
    const std::uint64_t full_heads = table_.integer("num_global_key_value_heads").value_or(heads),
                        full_size = table_.integer("global_head_dim").value_or(size);
    std::vector<std::uint64_t> kv_heads, sizes;
    for (const bool sliding : out_.sliding) {
      kv_heads.push_back(sliding ? heads : full_heads);
      sizes.push_back(sliding ? size : full_size);
    }
    override_heads(kv_heads, sizes);
    std::uint64_t of_kind[2] = {full_size, size};
    bool seen[2] = {false, false};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const bool sliding = out_.sliding[i];
      if (seen[sliding] && of_kind[sliding] != sizes[i]) {
        table_.refuse("per_layer_config", "one head size for all layers of a kind",
                      std::to_string(of_kind[sliding]) + " and " + std::to_string(sizes[i]),
                      ErrorCode::unsupported);
      }
      seen[sliding] = true;
      of_kind[sliding] = sizes[i];
    }
    add("attention.head_count_kv", kv_heads);
    add("attention.key_length", of_kind[false]);
    add("attention.value_length", of_kind[false]);
    add("attention.key_length_swa", of_kind[true]);
    add("attention.value_length_swa", of_kind[true]);
    full_size_ = of_kind[false];
  }

  void override_heads(std::vector<std::uint64_t>& kv_heads, std::vector<std::uint64_t>& sizes) {
    const auto overrides = table_.table("per_layer_config");
    if (!overrides) return;
    for (const simdjson::dom::key_value_pair member : overrides->members()) {
      std::size_t layer = 0;
      const char* end = member.key.data() + member.key.size();
      const auto [stop, error] = std::from_chars(member.key.data(), end, layer);
      if (error != std::errc() || stop != end || layer >= sizes.size()) {
        overrides->refuse(member.key, "a layer from 0 to " + std::to_string(sizes.size() - 1),
                          in_quotes(member.key));
      }
      const auto values = overrides->table(member.key);
      if (!values) continue;
      sizes[layer] = values->integer("head_dim").value_or(sizes[layer]);
      kv_heads[layer] = values->integer("num_key_value_heads").value_or(kv_heads[layer]);
    }
  }

  void read_rope() {
    const JsonTable rope = required_table(table_, "rope_parameters");
    const JsonTable sliding = required_table(rope, kSliding.data()),
                    full = required_table(rope, kFull.data());
    add("rope.freq_base", required_real(full, "rope_theta"));
    add("rope.freq_base_swa", required_real(sliding, "rope_theta"));
    check_rope_type(sliding, "default");
    if (full.text("rope_type").value_or("default") == "default") return;
    check_rope_type(full, "proportional");
    const double part = full.real("partial_rotary_factor").value_or(1.0);
    if (!(part > 0 && part <= 1))
      full.refuse("partial_rotary_factor", "a number above 0, at most 1", format_text("%g", part));
    if (full_size_ > kMaxHeadSize || full_size_ % 2 != 0) {
      table_.refuse("global_head_dim", "an even number of at most " + std::to_string(kMaxHeadSize),
                    std::to_string(full_size_));
    }
    const std::size_t pairs = static_cast<std::size_t>(full_size_ / 2);
    // as transformers counts them: int(factor * size // 2)
    const std::size_t turning =
        static_cast<std::size_t>(std::floor(part * static_cast<double>(full_size_) / 2));
    if (turning == pairs) return;
    out_.rope_factors.assign(pairs, kStill);
    for (std::size_t i = 0; i < turning; ++i) out_.rope_factors[i] = 1.0f;
  }

  static void check_rope_type(const JsonTable& rope, std::string_view expected) {
    const auto found = rope.text("rope_type").value_or("default");
    if (found != expected)
      rope.refuse("rope_type", in_quotes(expected), in_quotes(found), ErrorCode::unsupported);
  }

  void read_softcap() {
    const auto cap = table_.real("final_logit_softcapping");
    if (!cap) {
      table_.refuse("final_logit_softcapping", "a number",
                    "none, which this version does not compute", ErrorCode::unsupported);
    }
    add("final_logit_softcapping", *cap);
  }

  const JsonTable& table_;
  Metadata& metadata_;
  HfConfig& out_;
  std::string prefix_;
  std::uint64_t full_size_ = 0;
};

}  // namespace

HfConfig read_hf_config(const JsonTable& root, Metadata& metadata) {
  const auto type = root.text("model_type");
  if (!type) root.refuse("model_type", "a kind of Gemma 4", "no such key");
  HfConfig config;
  const bool text_only = *type == "gemma4_text" || *type == "gemma4_unified_text";
  config.assistant = *type == "gemma4_assistant" || *type == "gemma4_unified_assistant";
  if (!text_only && !config.assistant && *type != "gemma4" && *type != "gemma4_unified") {
    root.refuse("model_type",
                "gemma4, gemma4_unified, their _text forms, gemma4_assistant or "
                "gemma4_unified_assistant",
                in_quotes(*type), ErrorCode::unsupported);
  }
  const JsonTable text = text_only ? root : required_table(root, "text_config");
  metadata.add("general.architecture",
               std::string_view(config.assistant ? "gemma4-assistant" : "gemma4"));
  TextConfig(text, metadata, config).read();
  config.tied = root.boolean("tie_word_embeddings")
                    .value_or(text.boolean("tie_word_embeddings").value_or(true));
  if (config.assistant) {
    metadata.add("gemma4-assistant.embedding_length_out", required(root, "backbone_hidden_size"));
    config.centroids = root.boolean("use_ordered_embeddings").value_or(false);
    if (config.centroids) config.centroid_count = root.integer("num_centroids");
    const std::uint64_t taken =
        root.integer("centroid_intermediate_top_k").value_or(kCentroidsTaken);
    if (config.centroids && taken != kCentroidsTaken) {
      root.refuse("centroid_intermediate_top_k", std::to_string(kCentroidsTaken),
                  std::to_string(taken), ErrorCode::unsupported);
    }
  }
  return config;
}

}  // namespace gemma4
