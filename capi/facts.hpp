// Facts about models and plans as the C interface's structs.
#pragma once

#include "boundary.hpp"
#include "gemma4/gemma4.hpp"

namespace gemma4::capi {

gemma4_model_info facts_of(const ModelInfo& info);
gemma4_memory_plan facts_of(const MemoryPlan& plan);

/// Points into `sampling`.
gemma4_sampling facts_of(const SamplingOptions& sampling);

/// Throws Error(invalid_argument) when there is no assistant.
gemma4_assistant_info assistant_facts_of(const ModelInfo& info);

/// Throws Error(invalid_argument) when there is no such layer.
gemma4_layer_info layer_facts_of(const ModelInfo& info, std::uint32_t layer);

/// The same of the assistant. Throws also when there is none.
gemma4_layer_info assistant_layer_facts_of(const ModelInfo& info, std::uint32_t layer);

}  // namespace gemma4::capi
