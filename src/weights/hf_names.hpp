// The names of tensors in Hugging Face checkpoints of Gemma 4, and GGUF's for the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gemma4 {

enum class HfPart : std::uint8_t { text, vision, audio };

/// Which part of the model a tensor belongs to.
HfPart hf_part(std::string_view name) noexcept;

/// GGUF's name for a tensor of the text model or the assistant, or nothing when GGUF has none.
std::optional<std::string> gguf_name(std::string_view name);

/// Hugging Face's name, of the nested form, for a tensor that GGUF has a name for; nothing for
/// others. The inverse of gguf_name().
std::optional<std::string> hf_name(std::string_view gguf, bool assistant);

}  // namespace gemma4
