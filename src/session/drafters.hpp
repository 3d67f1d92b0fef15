// Which drafter a session has.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "decode/target_state.hpp"
#include "gemma4/memory.hpp"
#include "session/model_impl.hpp"

namespace gemma4 {

/// Speculation with a drafter that exists: automatic means both with an assistant and ngram without
/// one; without a depth or a drafter it is off. Throws Error(invalid_argument) naming option,
/// expected and found.
Speculation settled(const Speculation& speculation, bool has_assistant);

/// The drafter of settled options; null for none. Drafts from the session's `state` and stops when
/// `cancel` is set; both, and the model, must outlive it.
std::shared_ptr<Drafter> make_drafter(const SessionOptions& settled_options,
                                      const Model::Impl& model, const TargetState& state,
                                      const std::atomic<bool>& cancel);

/// Bytes that make_drafter takes; nothing for the user's own. `assistant` null: none.
std::uint64_t drafter_bytes(const SessionOptions& settled_options, const AssistantConfig* assistant,
                            int threads);

/// Rows that a decoding pass may have: the newest token's and those of the longest draft.
std::uint32_t decode_rows(const Speculation& settled_speculation);

}  // namespace gemma4
