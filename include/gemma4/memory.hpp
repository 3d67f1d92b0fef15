// Memory, stated before it is taken.
#pragma once

#include <cstdint>
#include <string>

#include "gemma4/speculation.hpp"

namespace gemma4 {

/// How rows of the KV cache are stored.
enum class KvType : std::int32_t {
  f16 = 1,   ///< IEEE half: the default
  f32 = 2,   ///< exact
  q8_0 = 3,  ///< 8 bits a number and an f16 scale for each 32: half of f16, and faster at depth
};

/// What a session is made for.
struct SessionOptions {
  std::uint32_t context_tokens =
      0;  ///< tokens the session can hold; 0 = 8192 or the model's limit if that is less
  KvType kv = KvType::f16;
  std::uint32_t prefill_chunk_tokens = 0;  ///< prompt tokens evaluated at once, 1 ... 256; 0 = 256.
                                           ///< Changes speed and memory, never results.
  std::uint64_t memory_budget_bytes =
      0;  ///< creation fails when the plan's total is larger; 0 = no limit
  Speculation speculation = Speculation::automatic();
};

/// Exact bytes by part. The session parts are taken when the session is created; their pages are
/// committed as they fill.
struct MemoryPlan {
  std::uint64_t weights_bytes =
      0;  ///< the model's matrices and vectors, shared by all its sessions
  std::uint64_t assistant_bytes =
      0;  ///< the MTP assistant's matrices and vectors, shared likewise; 0: none is loaded
  std::uint64_t kv_bytes = 0;            ///< KV cache of one session at its full context
  std::uint64_t workspace_bytes = 0;     ///< activations, logits, sampler scratch, drafter and
                                         ///< assistant workspace of one session
  std::uint64_t prefix_cache_bytes = 0;  ///< LoadOptions::prefix_cache_bytes, shared by all
                                         ///< sessions of the model
  std::uint64_t total_bytes() const {
    return weights_bytes + assistant_bytes + kv_bytes + workspace_bytes + prefix_cache_bytes;
  }
};

}  // namespace gemma4
