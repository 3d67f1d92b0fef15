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

gemma4_assistant_info assistant_facts_of(const ModelInfo& info) {
  if (!info.assistant) {
    fail(ErrorCode::invalid_argument,
         "assistant: expected a model with one (assistant_path), found none");
  }
  const AssistantInfo& assistant = *info.assistant;
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
  if (layer >= info.layers.size()) {
    fail(ErrorCode::invalid_argument,
         format_text("layer: expected less than %zu, found %u", info.layers.size(), layer));
  }
  const LayerInfo& known = info.layers[layer];
  return {0,
          known.full_attention ? 1 : 0,
          known.shares_kv_projection ? 1 : 0,
          known.kv_heads,
          known.head_size,
          known.feed_forward,
          0};
}

}  // namespace gemma4::capi
