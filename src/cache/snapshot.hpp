// A session on disk, or wherever its host keeps it. docs/sessions.md describes the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cache/kv_cache.hpp"
#include "gemma4/tokenizer.hpp"
#include "weights/stream_hash.hpp"

namespace gemma4 {

/// Counts changes of the file, of the rows in it and of the arithmetic that made them.
constexpr std::uint32_t kSnapshotVersion = 1;

/// What a session is besides its rows.
struct SnapshotFacts {
  std::uint64_t model = 0;  ///< its fingerprint
  KvType type = KvType::f16;
  std::uint32_t context = 0;    ///< tokens the session could hold
  std::uint32_t evaluated = 0;  ///< tokens that have rows
  bool chat = false;            ///< the context was written as a conversation
};

/// The spans are the session's. `logits` [vocabulary] and `hidden` [hidden size] follow the last
/// token with rows; both empty when they are gone.
struct SnapshotParts {
  std::span<const Token> tokens;
  std::span<const float> logits, hidden;
};

/// Takes the next bytes of a snapshot. Throws to end it.
using SnapshotSink = std::function<void(std::span<const std::byte>)>;

/// Fills the span from the front and returns how many bytes there were; 0: no more.
using SnapshotSource = std::function<std::size_t(std::span<std::byte>)>;

/// Writes the pages of the tokens evaluated; of sliding layers the window and what is kept before
/// it. `cache` is only read.
void write_snapshot(const SnapshotFacts& facts, const SnapshotParts& parts, KvCache& cache,
                    const SnapshotSink& sink);

/// Reads a snapshot that nobody has checked. `name` is for messages. Functions throw
/// Error(format | unsupported | invalid_argument) naming what was expected and found, and what the
/// source throws.
class SnapshotReader {
 public:
  /// Reads and checks the head. `size_bytes`: of all that there is; 0: unknown.
  SnapshotReader(SnapshotSource source, std::string name, std::uint64_t size_bytes);

  /// Refuses a snapshot that a session of such a model could not have written.
  void check_fit(const ModelConfig& config, std::uint64_t model, KvType type) const;

  const SnapshotFacts& facts() const { return facts_; }
  std::uint32_t tokens() const { return tokens_; }
  bool has_logits() const { return has_logits_; }

  // Then, in this order. What is read is not to be used before finish() returns.
  void read_tokens(std::span<Token> tokens, std::uint32_t vocabulary);
  void read_row(std::span<float> logits, std::span<float> hidden);  ///< only if has_logits()
  void read_pages(KvCache& cache);
  void finish();  ///< compares with the checksum

 private:
  void read(std::span<std::byte> bytes);
  [[noreturn]] void refuse(ErrorCode code, const std::string& what) const;

  SnapshotSource source_;
  std::string name_;
  StreamHash hash_;
  SnapshotFacts facts_;
  std::uint32_t tokens_ = 0, first_kept_ = 0, vocabulary_ = 0, hidden_ = 0;
  std::uint64_t full_bytes_ = 0, sliding_bytes_ = 0;  // of a page
  std::uint64_t read_bytes_ = 0;
  bool has_logits_ = false;
};

}  // namespace gemma4
