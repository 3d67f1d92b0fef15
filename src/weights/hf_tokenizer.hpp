// tokenizer.json and its companions under GGUF's keys.
#pragma once

#include <cstdint>
#include <string_view>

#include "io/checkpoint.hpp"
#include "io/json_file.hpp"

namespace gemma4 {

/// Adds tokenizer.ggml.model, tokens, token_type and merges. The vocabulary has `vocabulary`
/// entries (0: as many as the file has); ids that the file leaves out are called "[PAD<id>]", as
/// converters to GGUF do. Throws Error(format) for what is missing or wrong and Error(unsupported)
/// for a tokenizer that works otherwise than Gemma 4's, naming file, key, expected and found.
void add_hf_tokenizer(const JsonTable& root, std::uint64_t vocabulary, Checkpoint& out);

/// Adds general.sampling.* and tokenizer.ggml.suppress_tokens from generation_config.json.
void add_hf_generation(const JsonTable& root, Checkpoint& out);

/// Adds tokenizer.chat_template; the text is copied.
void add_chat_template(std::string_view text, Checkpoint& out);

/// The chat template of tokenizer_config.json, a text or the one called "default" of several; empty
/// when there is none.
std::string_view hf_chat_template(const JsonTable& root);

}  // namespace gemma4
