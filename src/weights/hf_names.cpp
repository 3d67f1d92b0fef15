#include "weights/hf_names.hpp"

namespace gemma4 {
namespace {

struct Pair {
  std::string_view hf, gguf;
};

/// With the prefix of the text model.
constexpr Pair kModelNames[] = {
    {"embed_tokens.weight", "token_embd.weight"},
    {"norm.weight", "output_norm.weight"},
};

/// Without a prefix.
constexpr Pair kOuter[] = {
    {"lm_head.weight", "output.weight"},
    {"pre_projection.weight", "nextn.pre_projection.weight"},
    {"post_projection.weight", "nextn.post_projection.weight"},
    {"masked_embedding.centroids.weight", "masked_embd_centroids.weight"},
    {"masked_embedding.token_ordering", "masked_embd_ordering"},
};

/// Behind "layers.N." and "blk.N.".
constexpr Pair kLayer[] = {
    {"input_layernorm.weight", "attn_norm.weight"},
    {"self_attn.q_proj.weight", "attn_q.weight"},
    {"self_attn.k_proj.weight", "attn_k.weight"},
    {"self_attn.v_proj.weight", "attn_v.weight"},
    {"self_attn.o_proj.weight", "attn_output.weight"},
    {"self_attn.q_norm.weight", "attn_q_norm.weight"},
    {"self_attn.k_norm.weight", "attn_k_norm.weight"},
    {"post_attention_layernorm.weight", "post_attention_norm.weight"},
    {"pre_feedforward_layernorm.weight", "ffn_norm.weight"},
    {"post_feedforward_layernorm.weight", "post_ffw_norm.weight"},
    {"mlp.gate_proj.weight", "ffn_gate.weight"},
    {"mlp.up_proj.weight", "ffn_up.weight"},
    {"mlp.down_proj.weight", "ffn_down.weight"},
    {"layer_scalar", "layer_output_scale.weight"},
};

constexpr std::string_view kTextPrefixes[] = {"model.language_model.", "language_model.model.",
                                              "language_model.", "model."};
constexpr std::string_view kVision[] = {"vision_tower.", "vision_embedder.", "embed_vision.",
                                        "multi_modal_projector."};
constexpr std::string_view kAudio[] = {"audio_tower.", "embed_audio."};
constexpr std::string_view kLayers = "layers.", kBlocks = "blk.";

bool drop_prefix(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

template <std::size_t N>
bool begins_with_any(std::string_view name, const std::string_view (&prefixes)[N]) {
  for (const std::string_view prefix : prefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

/// The digits and the dot in front of a name, taken off it; empty: there are none.
std::string_view take_number(std::string_view& name) {
  std::size_t digits = 0;
  while (digits < name.size() && name[digits] >= '0' && name[digits] <= '9') ++digits;
  if (digits == 0 || digits > 9 || digits == name.size() || name[digits] != '.') return {};
  const std::string_view number = name.substr(0, digits + 1);
  name.remove_prefix(digits + 1);
  return number;
}

template <std::size_t N>
std::string_view find(const Pair (&pairs)[N], std::string_view name, std::string_view Pair::*from,
                      std::string_view Pair::*to) {
  for (const Pair& pair : pairs) {
    if (pair.*from == name) return pair.*to;
  }
  return {};
}

}  // namespace

HfPart hf_part(std::string_view name) noexcept {
  drop_prefix(name, "model.");
  if (begins_with_any(name, kVision)) return HfPart::vision;
  return begins_with_any(name, kAudio) ? HfPart::audio : HfPart::text;
}

std::optional<std::string> gguf_name(std::string_view name) {
  std::string_view found = find(kOuter, name, &Pair::hf, &Pair::gguf);
  if (!found.empty()) return std::string(found);
  for (const std::string_view prefix : kTextPrefixes) {
    if (drop_prefix(name, prefix)) break;
  }
  found = find(kModelNames, name, &Pair::hf, &Pair::gguf);
  if (!found.empty()) return std::string(found);
  if (!drop_prefix(name, kLayers)) return std::nullopt;
  const std::string_view number = take_number(name);
  found = find(kLayer, name, &Pair::hf, &Pair::gguf);
  if (number.empty() || found.empty()) return std::nullopt;
  return std::string(kBlocks).append(number).append(found);
}

std::optional<std::string> hf_name(std::string_view gguf, bool assistant) {
  std::string_view found = find(kOuter, gguf, &Pair::gguf, &Pair::hf);
  if (!found.empty()) return std::string(found);
  const std::string prefix = assistant ? "model." : "model.language_model.";
  found = find(kModelNames, gguf, &Pair::gguf, &Pair::hf);
  if (!found.empty()) return prefix + std::string(found);
  if (!drop_prefix(gguf, kBlocks)) return std::nullopt;
  const std::string_view number = take_number(gguf);
  found = find(kLayer, gguf, &Pair::gguf, &Pair::hf);
  if (number.empty() || found.empty()) return std::nullopt;
  return (prefix + std::string(kLayers)).append(number).append(found);
}

}  // namespace gemma4
