// Tokenizers and golden files for the tests of src/text.
#pragma once

#include <doctest/doctest.h>

#include <simdjson.h>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gemma4/error.hpp"
#include "io/gguf.hpp"
#include "text/tokenizer.hpp"

namespace gemma4::test {

inline std::shared_ptr<const Tokenizer::Impl> load_vocabulary(const std::string& path) {
  const Checkpoint file = open_gguf(path);
  return Tokenizer::Impl::from_metadata(file.metadata);
}

/// The 1536 pieces of the tiny model.
inline const Tokenizer::Impl& tiny() {
  static const auto impl = load_vocabulary(GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf");
  return *impl;
}

/// Where the real vocabulary is, or an empty string.
inline std::string real_vocabulary_path() {
  const char* path = std::getenv("GEMMA4_TEST_VOCAB");
  return path != nullptr ? path : "";
}

/// The real vocabulary of 262144 pieces, or nullptr after saying that the test is skipped.
inline const Tokenizer::Impl* real_or_skip() {
  static const auto impl =
      real_vocabulary_path().empty() ? nullptr : load_vocabulary(real_vocabulary_path());
  if (impl == nullptr) {
    MESSAGE("skipped: GEMMA4_TEST_VOCAB does not name a GGUF file with the real vocabulary");
  }
  return impl.get();
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The message of the Error that `action` must throw.
template <typename Action>
std::string refusal(ErrorCode code, Action action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK_MESSAGE(error.code() == code, error.what());
    return error.what();
  }
  FAIL("no Error was thrown");
  return {};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A golden file; the parser must outlive the element.
inline simdjson::dom::element golden(simdjson::dom::parser& parser, const std::string& name) {
  return parser.load(GEMMA4_SOURCE_DIR "/tests/golden/" + name);
}

inline std::string string_of(simdjson::dom::element element) {
  return std::string(std::string_view(element));
}

inline std::vector<Token> ids_of(simdjson::dom::element element) {
  std::vector<Token> ids;
  for (const simdjson::dom::element id : element.get_array()) {
    ids.push_back(static_cast<Token>(std::int64_t(id)));
  }
  return ids;
}

inline std::vector<Token> encode(const Tokenizer::Impl& tokenizer, std::string_view text,
                                 SpecialTokens special) {
  std::vector<Token> tokens;
  tokenizer.encode(text, special, tokens);
  return tokens;
}

inline std::string decode(const Tokenizer::Impl& tokenizer, const std::vector<Token>& tokens,
                          bool special) {
  std::string text;
  for (const Token token : tokens) text += tokenizer.piece(token, special);
  return text;
}

}  // namespace gemma4::test
