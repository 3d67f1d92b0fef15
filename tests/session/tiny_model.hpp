// The embedded tiny model (sliding window of 64 tokens) and comparisons of logits to the bit.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "gemma4/gemma4.hpp"

namespace gemma4::testing {

constexpr std::uint32_t kWindow = 64;

inline std::string tiny_path() { return GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf"; }

inline std::string tiny_assistant_path() {
  return GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-assistant-q4_0.gguf";
}

/// The same weights as W4A16 folders.
inline std::string tiny_folder_path() { return GEMMA4_SOURCE_DIR "/models/tiny/w4a16/gemma4-tiny"; }
inline std::string tiny_assistant_folder_path() { return tiny_folder_path() + "-assistant"; }

inline Model load_tiny(int threads = 2, Isa isa = Isa::automatic,
                       const std::string& assistant = {}) {
  LoadOptions options;
  options.assistant = assistant;
  options.threads = threads;
  options.isa = isa;
  return Model::load(tiny_path(), options);
}

/// With its assistant.
inline Model load_tiny_pair(int threads = 2) {
  return load_tiny(threads, Isa::automatic, tiny_assistant_path());
}

/// With a prefix cache of so many bytes.
inline Model load_with_prefixes(std::uint64_t bytes, int threads = 2,
                                const std::string& assistant = {}) {
  LoadOptions options;
  options.threads = threads;
  options.prefix_cache_bytes = bytes;
  options.assistant = assistant;
  return Model::load(tiny_path(), options);
}

inline SessionOptions session_options(KvType kv = KvType::f16, std::uint32_t chunk = 0,
                                      std::uint32_t context = 1024) {
  SessionOptions options;
  options.context_tokens = context;
  options.kv = kv;
  options.prefill_chunk_tokens = chunk;
  return options;
}

/// bos and random tokens: arithmetic is tested here, not language.
inline std::vector<Token> random_tokens(std::size_t count, std::uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::vector<Token> tokens = {2};
  while (tokens.size() < count) tokens.push_back(static_cast<Token>(random() % 1536));
  return tokens;
}

/// The logits after each position, one row of `width` after another.
struct LogitRows {
  std::size_t width = 0;
  std::vector<float> values;
  std::size_t rows() const { return values.size() / width; }
  std::span<const float> row(std::size_t i) const {
    return std::span(values).subspan(i * width, width);
  }
};

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

/// The first row of `found` whose bits differ from `expected`'s row `offset` further on, or -1.
inline int first_difference(const LogitRows& expected, const LogitRows& found,
                            std::size_t offset = 0) {
  if (found.values.empty() || found.rows() + offset > expected.rows()) return 0;
  for (std::size_t i = 0; i < found.rows(); ++i) {
    if (!same_bits(found.row(i), expected.row(i + offset))) return static_cast<int>(i);
  }
  return -1;
}

/// Evaluates tokens with prefill_tokens and keeps all rows.
inline LogitRows prefill_rows(Session& session, std::span<const Token> tokens) {
  LogitRows out{session.model().info().vocabulary, {}};
  session.prefill_tokens(tokens, [&](std::uint32_t, std::span<const float> logits) {
    out.values.insert(out.values.end(), logits.begin(), logits.end());
  });
  return out;
}

/// Evaluates tokens one after another, as decoding does.
inline LogitRows stepwise_rows(Session& session, std::span<const Token> tokens) {
  LogitRows out{session.model().info().vocabulary, {}};
  for (const Token& token : tokens) {
    session.append_tokens(std::span(&token, 1));
    const std::span<const float> logits = session.logits();
    out.values.insert(out.values.end(), logits.begin(), logits.end());
  }
  return out;
}

inline std::vector<Token> tokens_of(const Session& session) {
  return {session.tokens().begin(), session.tokens().end()};
}

}  // namespace gemma4::testing
