// The tokenizer.* keys of a synthetic checkpoint.
#pragma once

#include <cstdint>
#include <string>

#include "key_writer.hpp"

namespace gemma4::synthetic {

/// Copies every tokenizer.* key of a GGUF file; gives the number of tokens. Throws gemma4::Error.
std::uint64_t copy_vocabulary(const std::string& path, KeyWriter& keys);

/// Writes a vocabulary of 262,144 tokens in Gemma 4's layout: special tokens, runs, bytes and the
/// single ▁ at their ids, printable ASCII and its pairs of lower-case letters as pieces, and
/// made-up words in all other places. Gives the number.
std::uint64_t make_vocabulary(KeyWriter& keys);

}  // namespace gemma4::synthetic
