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

/// What becomes of tokens that do not fit into the context any more.
enum class ContextPolicy : std::int32_t {
  error = 0,  ///< Error(context_full); a generation ends with FinishReason::context_full
  /// Room is made: the first tokens stay, the oldest turns behind them go, as many as are at least
  /// half of the rest; text without turns loses its older half. What is left is evaluated again at
  /// its new places, so that everything after it is, to the bit, what a new session would give that
  /// got these tokens. Statistics count it. Tokens that are being added are never dropped, and no
  /// turn is torn: what cannot fit this way is an error as above.
  shift = 1,
};

/// What a session is made for.
struct SessionOptions {
  std::uint32_t context_tokens =
      0;  ///< tokens the session can hold; 0 = 8192 or the model's limit if that is less
  KvType kv = KvType::f16;
  std::uint32_t prefill_chunk_tokens = 0;  ///< prompt tokens evaluated at once, 1 ... 256; 0 = 256.
                                           ///< Changes speed and memory, never results.
  std::uint64_t memory_budget_bytes =
      0;  ///< creation fails when the plan's total is larger; 0 = no limit. Of one session: a fork
          ///< is another with the same plan
  Speculation speculation = Speculation::automatic();
  ContextPolicy context_policy = ContextPolicy::error;
  /// For ContextPolicy::shift: tokens at the beginning that are never dropped, less than the
  /// context; a turn that they end in is kept whole. 0 = bos, and the system's turn behind it.
  std::uint32_t keep_first_tokens = 0;
};

/// Exact bytes by part. The session parts are taken when the session is created; their pages are
/// committed as they fill. Not counted is small bookkeeping: of a session some 10 KiB and less than
/// 2 bytes for each token of its context (page tables; 6 where pages are the host's), of a model
/// its tokenizer and threads, and what texts and options of the caller's take.
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
