#include "facts.hpp"

namespace gemma4::capi {

gemma4_model_info facts_of(const ModelInfo& info) {
  gemma4_model_info facts{};
  facts.architecture = view_of(info.architecture);
  facts.name = view_of(info.name);
  facts.path = view_of(info.path);
  facts.packed_path = view_of(info.packed_path);
  facts.parameters = info.parameters;
  facts.file_bytes = info.file_bytes;
  facts.tensors = info.tensors;
  facts.layers = static_cast<std::uint32_t>(info.layers.size());
  facts.hidden_size = info.hidden_size;
  facts.query_heads = info.query_heads;
  facts.vocabulary_size = info.vocabulary;
  facts.context_limit = info.context_limit;
  facts.sliding_window = info.sliding_window;
  facts.logit_softcap = info.logit_softcap;
  facts.norm_epsilon = info.norm_epsilon;
  facts.rope_base = info.rope_base;
  facts.rope_base_sliding = info.rope_base_sliding;
  facts.has_assistant = info.assistant ? 1 : 0;
  facts.activations = static_cast<std::int32_t>(info.activations);
  return facts;
}

gemma4_memory_plan facts_of(const MemoryPlan& plan) {
  return {0,
          plan.weights_bytes,
          plan.assistant_bytes,
          plan.kv_bytes,
          plan.workspace_bytes,
          plan.total_bytes(),
          plan.prefix_cache_bytes};
}

gemma4_sampling facts_of(const SamplingOptions& sampling) {
  // the same two numbers in either language
  static_assert(sizeof(gemma4_logit_bias) == sizeof(LogitBias) &&
                offsetof(gemma4_logit_bias, token) == offsetof(LogitBias, token) &&
                offsetof(gemma4_logit_bias, bias) == offsetof(LogitBias, bias) &&
                sizeof(LogitBias::token) == sizeof(gemma4_token));
  gemma4_sampling facts{};
  facts.struct_size = sizeof facts;
  facts.seed = sampling.seed;
  facts.temperature = sampling.temperature;
  facts.top_k = sampling.top_k;
  facts.top_p = sampling.top_p;
  facts.min_p = sampling.min_p;
  facts.repetition_penalty = sampling.repetition_penalty;
  facts.presence_penalty = sampling.presence_penalty;
  facts.frequency_penalty = sampling.frequency_penalty;
  constexpr std::int32_t kAll = -1;
  facts.penalty_window = sampling.penalty_window == 0 || sampling.penalty_window > INT32_MAX
                             ? kAll
                             : static_cast<std::int32_t>(sampling.penalty_window);
  facts.logit_bias = reinterpret_cast<const gemma4_logit_bias*>(sampling.logit_bias.data());
  facts.logit_bias_count = sampling.logit_bias.size();
  facts.suppress = sampling.suppress.data();
  facts.suppress_count = sampling.suppress.size();
  return facts;
}

namespace {

const AssistantInfo& assistant_of(const ModelInfo& info) {
  if (!info.assistant) {
    fail(ErrorCode::invalid_argument,
         "assistant: expected a model with one (assistant_path), found none");
  }
  return *info.assistant;
}

gemma4_layer_info layer_facts_of(const std::vector<LayerInfo>& layers, std::uint32_t layer) {
  if (layer >= layers.size()) {
    fail(ErrorCode::invalid_argument,
         format_text("layer: expected less than %zu, found %u", layers.size(), layer));
  }
  const LayerInfo& known = layers[layer];
  return {0,
          known.full_attention ? 1 : 0,
          known.shares_kv_projection ? 1 : 0,
          known.kv_heads,
          known.head_size,
          known.feed_forward,
          0};
}

}  // namespace

gemma4_assistant_info assistant_facts_of(const ModelInfo& info) {
  const AssistantInfo& assistant = assistant_of(info);
  gemma4_assistant_info facts{};
  facts.name = view_of(assistant.name);
  facts.path = view_of(assistant.path);
  facts.packed_path = view_of(assistant.packed_path);
  facts.parameters = assistant.parameters;
  facts.file_bytes = assistant.file_bytes;
  facts.tensors = assistant.tensors;
  facts.layers = static_cast<std::uint32_t>(assistant.layers.size());
  facts.hidden_size = assistant.hidden_size;
  facts.query_heads = assistant.query_heads;
  facts.centroids = assistant.centroids;
  facts.activations = static_cast<std::int32_t>(assistant.activations);
  return facts;
}

gemma4_layer_info layer_facts_of(const ModelInfo& info, std::uint32_t layer) {
  return layer_facts_of(info.layers, layer);
}

gemma4_layer_info assistant_layer_facts_of(const ModelInfo& info, std::uint32_t layer) {
  return layer_facts_of(assistant_of(info).layers, layer);
}

}  // namespace gemma4::capi
