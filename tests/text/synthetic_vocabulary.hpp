// Small vocabularies made by hand, whole or damaged.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "io/metadata.hpp"
#include "text/tokenizer.hpp"

namespace gemma4::test {

struct SyntheticVocabulary {
  std::vector<std::string> tokens;
  std::vector<std::uint64_t> types;  // GGUF's numbers
  std::vector<std::string> merges;

  /// Specials, all bytes, a few letters and "▁", without merges.
  SyntheticVocabulary() {
    for (const char* text : {"<pad>", "<eos>", "<bos>", "<unk>", "<|turn>", "<turn|>"})
      add(text, 3);
    for (int byte = 0; byte < 256; ++byte) {
      char text[8];
      std::snprintf(text, sizeof text, "<0x%02X>", byte);
      add(text, 6);
    }
    for (const char* text : {"a", "b", "c", "\n", "\xe2\x96\x81"}) add(text, 1);
  }

  Token add(const std::string& text, std::uint64_t type) {
    tokens.push_back(text);
    types.push_back(type);
    return static_cast<Token>(tokens.size() - 1);
  }

  /// "left right", and the result as a token.
  Token merge(const std::string& left, const std::string& right) {
    merges.push_back(left + " " + right);
    return add(left + right, 1);
  }

  /// Points into this object.
  Metadata metadata() const {
    Metadata made("test.gguf");
    made.add("tokenizer.ggml.model", std::string_view("gemma4"));
    made.add("tokenizer.ggml.tokens", std::vector<std::string_view>(tokens.begin(), tokens.end()));
    made.add("tokenizer.ggml.token_type", types);
    made.add("tokenizer.ggml.merges", std::vector<std::string_view>(merges.begin(), merges.end()));
    return made;
  }

  std::shared_ptr<const Tokenizer::Impl> load() const {
    return Tokenizer::Impl::from_metadata(metadata());
  }
};

}  // namespace gemma4::test
