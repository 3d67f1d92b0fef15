// The KV cache of llama.cpp made longer than what was evaluated.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gemma4::bench {

/// `state`: what llama_state_seq_get_data() gave for a short context of a model with full and
/// sliding layers. Returns the state of a context of `depth` tokens whose rows are those of the
/// short one again and again; sliding layers keep the last `window` at most. Throws Error(format)
/// when the state does not look as expected.
std::vector<std::uint8_t> stretched_state(std::span<const std::uint8_t> state, std::uint32_t depth,
                                          std::uint32_t window);

}  // namespace gemma4::bench
