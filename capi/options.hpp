// The caller's options as those of the C++ interface.
#pragma once

#include "boundary.hpp"
#include "gemma4/gemma4.hpp"

namespace gemma4::capi {

/// What on_progress of the caller becomes; empty for a null pointer.
std::function<bool(const LoadProgress&)> progress_of(gemma4_progress on_progress, void* user);

/// What log of the caller becomes; empty for a null pointer.
LogSink log_of(gemma4_log log, void* user);

/// The token of a canceller, which may be null.
std::stop_token stop_token_of(const gemma4_canceller* canceller);

/// Options of a load that is only planned: what changes the memory.
LoadOptions planned_load_options_of(const gemma4_load_options* options);

LoadOptions load_options_of(const gemma4_load_options* options);
PackOptions pack_options_of(const gemma4_pack_options* options);

/// Options of a session that is only planned: the caller's drafter is not taken over.
SessionOptions planned_options_of(const gemma4_session_options* options);

/// Options of a session to be made, which takes the caller's drafter over: it is released with
/// them, or by an exception.
SessionOptions session_options_of(const gemma4_session_options* options);

/// Reads `sampling`, greedy when null, into `out`, whose memory is used again.
void read_sampling(const gemma4_sampling* sampling, SamplingOptions& out);

GenerateOptions generate_options_of(const gemma4_generate_options* options);

}  // namespace gemma4::capi
