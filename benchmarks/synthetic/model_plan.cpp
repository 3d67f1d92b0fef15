#include "model_plan.hpp"

#include <cmath>
#include <utility>

namespace gemma4::synthetic {
namespace {

constexpr std::uint64_t kDrafterLayers = 4;  // three sliding, one full
constexpr std::uint64_t kPatternLayers = 6;  // five sliding, one full

// Means that keep activations near 1 and let the context decide the next token. Every matrix maps
// unit variance to unit variance. A layer adds two normed blocks of variance 1 to the residual
// stream of variance v and scales the sum: (v + 2) / 3 = v at v = 1, and what the embedding put in
// fades by sqrt(3) a layer (else the tied head would only repeat the last token). Attention scores
// get a deviation of 2, logits one of 4, which gives the best of 262,144 tokens about a tenth.
const float kLayerScale = std::sqrt(1.0f / 3);
constexpr double kScoreDeviation = 2;
constexpr float kLogitDeviation = 4;

class Planner {
 public:
  void matrix(const std::string& name, std::uint64_t in, std::uint64_t out,
              TensorType type = TensorType::q4_0) {
    tensors_.push_back({name + ".weight",
                        {in, out},
                        type,
                        Fill::random,
                        static_cast<float>(1 / std::sqrt(static_cast<double>(in)))});
  }
  void vector(const std::string& name, std::uint64_t size, float mean = 1) {
    tensors_.push_back({name + ".weight", {size}, TensorType::f32, Fill::random, mean});
  }
  void rope_factors(std::uint64_t head) {
    tensors_.push_back({"rope_freqs.weight", {head / 2}, TensorType::f32, Fill::rope_factors, 1});
  }

  /// What target and drafter layers have in common, after the attention's inputs.
  void layer_rest(const std::string& layer, std::uint64_t hidden, std::uint64_t feed_forward) {
    vector(layer + "post_attention_norm", hidden);
    vector(layer + "ffn_norm", hidden);
    matrix(layer + "ffn_gate", hidden, feed_forward);
    matrix(layer + "ffn_up", hidden, feed_forward);
    matrix(layer + "ffn_down", feed_forward, hidden);
    vector(layer + "post_ffw_norm", hidden);
    vector(layer + "layer_output_scale", 1, kLayerScale);
  }

  std::vector<PlannedTensor> take() { return std::move(tensors_); }

 private:
  std::vector<PlannedTensor> tensors_;
};

struct ArchitectureKeys {
  std::string architecture;
  std::uint64_t layers, hidden, feed_forward, query_heads, shared_kv_layers;
  std::vector<bool> sliding;
};

void write_keys(const ArchitectureKeys& own, const ModelShape& shape, KeyWriter& keys) {
  const std::string prefix = own.architecture + ".";
  keys.text("general.architecture", own.architecture);
  keys.text("general.type", "model");
  keys.text("general.name", "synthetic " + own.architecture + " with random weights");
  keys.u32("general.file_type", 2);  // mostly Q4_0
  keys.u32("general.quantization_version", 2);
  keys.u32(prefix + "block_count", own.layers);
  keys.u32(prefix + "context_length", shape.context);
  keys.u32(prefix + "embedding_length", own.hidden);
  keys.u32(prefix + "feed_forward_length", own.feed_forward);
  keys.u32(prefix + "attention.head_count", own.query_heads);
  std::vector<std::int32_t> kv_heads;
  for (const bool sliding : own.sliding) {
    kv_heads.push_back(
        static_cast<std::int32_t>(sliding ? shape.kv_heads_sliding : shape.kv_heads_full));
  }
  keys.i32_array(prefix + "attention.head_count_kv", kv_heads);
  keys.u32(prefix + "attention.key_length", shape.head_full);
  keys.u32(prefix + "attention.value_length", shape.head_full);
  keys.u32(prefix + "attention.key_length_swa", shape.head_sliding);
  keys.u32(prefix + "attention.value_length_swa", shape.head_sliding);
  keys.u32(prefix + "attention.sliding_window", shape.window);
  keys.boolean_array(prefix + "attention.sliding_window_pattern", own.sliding);
  keys.u32(prefix + "attention.shared_kv_layers", own.shared_kv_layers);
  keys.f32(prefix + "attention.layer_norm_rms_epsilon", 1e-6);
  keys.f32(prefix + "rope.freq_base", 1e6);
  keys.f32(prefix + "rope.freq_base_swa", 1e4);
  keys.u32(prefix + "rope.dimension_count", shape.head_full);
  keys.u32(prefix + "rope.dimension_count_swa", shape.head_sliding);
  keys.u32(prefix + "embedding_length_per_layer_input", 0);
}

std::string layer_name(std::uint64_t layer) { return "blk." + std::to_string(layer) + "."; }

}  // namespace

std::optional<ModelShape> preset(std::string_view name) {
  if (name == "12b") {
    return ModelShape{.layers = 48,
                      .hidden = 3840,
                      .feed_forward = 15360,
                      .query_heads = 16,
                      .kv_heads_sliding = 8,
                      .kv_heads_full = 1,
                      .head_sliding = 256,
                      .head_full = 512,
                      .window = 1024,
                      .context = 262144,
                      .drafter_hidden = 1024,
                      .drafter_feed_forward = 8192,
                      .drafter_query_heads = 16};
  }
  if (name == "tiny") {
    return ModelShape{.layers = 6,
                      .hidden = 256,
                      .feed_forward = 512,
                      .query_heads = 4,
                      .kv_heads_sliding = 2,
                      .kv_heads_full = 1,
                      .head_sliding = 64,
                      .head_full = 128,
                      .window = 64,
                      .context = 8192,
                      .drafter_hidden = 256,
                      .drafter_feed_forward = 512,
                      .drafter_query_heads = 4};
  }
  return std::nullopt;
}

std::vector<PlannedTensor> plan_target(const ModelShape& shape, std::uint64_t vocabulary,
                                       KeyWriter& keys) {
  std::vector<bool> sliding;
  for (std::uint64_t i = 0; i < shape.layers; ++i) sliding.push_back((i + 1) % kPatternLayers != 0);
  write_keys(
      {"gemma4", shape.layers, shape.hidden, shape.feed_forward, shape.query_heads, 0, sliding},
      shape, keys);
  keys.f32("gemma4.final_logit_softcapping", 30);
  keys.i32("general.sampling.top_k", 64);
  keys.f32("general.sampling.top_p", 0.95);
  keys.f32("general.sampling.temp", 1);

  Planner planner;
  planner.matrix("token_embd", shape.hidden, vocabulary, TensorType::q6_k);
  planner.vector("output_norm", shape.hidden, kLogitDeviation);
  planner.rope_factors(shape.head_full);
  for (std::uint64_t i = 0; i < shape.layers; ++i) {
    const std::string layer = layer_name(i);
    const std::uint64_t head = sliding[i] ? shape.head_sliding : shape.head_full;
    const std::uint64_t kv = head * (sliding[i] ? shape.kv_heads_sliding : shape.kv_heads_full);
    planner.vector(layer + "attn_norm", shape.hidden);
    planner.matrix(layer + "attn_q", shape.hidden, head * shape.query_heads);
    planner.matrix(layer + "attn_k", shape.hidden, kv);
    // Full layers have no projection for values: they are the raw keys.
    if (sliding[i]) planner.matrix(layer + "attn_v", shape.hidden, kv);
    planner.vector(layer + "attn_q_norm", head);
    planner.vector(layer + "attn_k_norm", head,
                   static_cast<float>(kScoreDeviation / std::sqrt(static_cast<double>(head))));
    planner.matrix(layer + "attn_output", head * shape.query_heads, shape.hidden);
    planner.layer_rest(layer, shape.hidden, shape.feed_forward);
  }
  return planner.take();
}

std::vector<PlannedTensor> plan_assistant(const ModelShape& shape, std::uint64_t vocabulary,
                                          KeyWriter& keys) {
  const std::vector<bool> sliding = {true, true, true, false};
  const std::uint64_t hidden = shape.drafter_hidden;
  write_keys({"gemma4-assistant", kDrafterLayers, hidden, shape.drafter_feed_forward,
              shape.drafter_query_heads, kDrafterLayers, sliding},
             shape, keys);
  keys.u32("gemma4-assistant.embedding_length_out", shape.hidden);
  keys.u32("gemma4-assistant.nextn_predict_layers", kDrafterLayers);

  Planner planner;
  planner.matrix("token_embd", hidden, vocabulary, TensorType::q6_k);
  planner.vector("output_norm", hidden, kLogitDeviation);
  planner.rope_factors(shape.head_full);
  planner.matrix("nextn.pre_projection", 2 * shape.hidden, hidden);
  planner.matrix("nextn.post_projection", hidden, shape.hidden);
  for (std::uint64_t i = 0; i < kDrafterLayers; ++i) {
    const std::string layer = layer_name(i);
    const std::uint64_t head = sliding[i] ? shape.head_sliding : shape.head_full;
    planner.vector(layer + "attn_norm", hidden);
    planner.matrix(layer + "attn_q", hidden, head * shape.drafter_query_heads);
    planner.vector(layer + "attn_q_norm", head);
    planner.matrix(layer + "attn_output", head * shape.drafter_query_heads, hidden);
    planner.layer_rest(layer, hidden, shape.drafter_feed_forward);
  }
  return planner.take();
}

}  // namespace gemma4::synthetic
