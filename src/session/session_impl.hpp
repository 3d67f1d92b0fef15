// What a Session handle points to.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cache/kv_cache.hpp"
#include "cache/snapshot.hpp"
#include "decode/sampler.hpp"
#include "decode/speculator.hpp"
#include "decode/target_state.hpp"
#include "gemma4/session.hpp"
#include "model/forward.hpp"
#include "session/drafters.hpp"
#include "session/model_impl.hpp"
#include "text/answer_parser.hpp"
#include "text/context_cut.hpp"

namespace gemma4 {

/// The context is `tokens_`; the first `evaluated_` of them have rows in the cache.
///
/// Decoding evaluates the newest token together with a draft of those to come. The tokens
/// themselves are chosen one at a time, when they are asked for, each from the row of the token
/// before it: as long as they are the drafted ones, that row is there already. So the context never
/// holds a token that was not asked for, and at any moment all is as if there were no drafts; rows
/// of drafts that were wrong, or not reached, are overwritten by the next pass.
class Session::Impl {
 public:
  Impl(const Model& model, const SessionOptions& options);
  /// A fork. Throws Error(invalid_argument) during a generation.
  explicit Impl(Impl& parent);
  /// A session restored.
  Impl(const Model& model, const SessionOptions& options, SnapshotReader& snapshot);

  void append_tokens(std::span<const Token> tokens);
  void append_text(std::string_view text, SpecialTokens special);
  void append(const Chat& chat);

  /// Evaluates what is pending. Throws Error(cancelled).
  void prefill(const std::function<bool(std::uint32_t, std::uint32_t)>& on_progress);
  void prefill_tokens(std::span<const Token> tokens,
                      const std::function<void(std::uint32_t, std::span<const float>)>& on_logits);
  std::span<const float> logits();
  Token decode_step(const SamplingOptions& options);
  std::uint32_t rewind(std::uint32_t position);
  std::uint32_t earliest_rewind() const;
  /// Throws Error(invalid_argument) naming what is refused.
  void refuse_while_generating(const char* what) const;
  /// Throws Error(cancelled) and what `write` throws.
  void save(const SnapshotSink& write);

  /// For passes that several sessions share. Evaluates what would not be a row or a few of such a
  /// pass; nothing: no pass is needed then. Otherwise the rows that go into it, and end_shared() is
  /// called after it with their logits in rows `row`, ... of `pass`. Throws Error(cancelled |
  /// invalid_argument) and what a drafter throws.
  std::optional<Sequence> begin_shared();
  /// Rows that may be.
  std::uint32_t most_rows() const {
    return speculator_.adapts() ? 1 : decode_rows(options_.speculation);
  }
  void end_shared(const Forward& pass, std::uint32_t row, std::uint64_t ns);

  void start(const GenerateOptions& options);
  /// The next event of the running generation; false after the end, and where `evaluate` is false
  /// when it takes a pass to know it.
  bool next(Event& event, bool evaluate);
  bool generating() const { return generating_; }
  void stop_generating() noexcept { generating_ = false; }

  void clear_cancel() { cancel_.store(false, std::memory_order_relaxed); }
  void cancel() noexcept { cancel_.store(true, std::memory_order_relaxed); }

  std::span<const Token> tokens() const { return tokens_; }
  std::uint32_t context_tokens() const { return options_.context_tokens; }
  const Statistics& statistics() const { return statistics_; }
  const Model& model() const { return model_; }

 private:
  std::uint32_t size() const { return static_cast<std::uint32_t>(tokens_.size()); }
  bool full() const { return size() == options_.context_tokens; }
  bool fits(std::size_t tokens) const { return tokens <= options_.context_tokens - size(); }
  [[noreturn]] void throw_full(std::size_t tokens) const;
  bool cancelled() const { return cancel_.load(std::memory_order_relaxed); }
  [[noreturn]] static void throw_cancelled();
  /// Logits and hidden state of the newest row, which a draft begins with; empty when they are
  /// gone.
  SnapshotParts parts() const;
  bool logits_ready() const { return logits_end_ != 0 && logits_end_ == size(); }
  std::span<const float> logits_row() const { return forward_.logits_row(logits_row_); }
  void forget_batch() { batch_rows_ = logits_end_ = 0; }
  /// Tokens from `position` on are others now, or gone. Returns how many before it lose their rows.
  std::uint32_t forget_rows(std::uint32_t position);
  /// What has to go before `tokens` more fit, by the context policy; nothing: they cannot.
  std::optional<ContextCut> cut_for(std::size_t tokens, bool everything) const;
  void drop(const ContextCut& cut);
  /// Whether one token more has room, or is given room.
  bool make_room();
  /// Takes the rows of a longer beginning from the model's prefix cache.
  void reuse_prefix();
  /// Leaves the rows there are to the prefix cache.
  void keep_prefix();
  /// Evaluates the next batch of pending tokens; false when cancelled.
  bool evaluate_batch();
  /// Evaluates the newest token and at most `most_drafts` drafted ones; false when cancelled.
  bool decode_pass(std::uint32_t most_drafts);
  Sequence begin_pass(std::uint32_t most_drafts);
  void end_pass(std::uint64_t ns, bool alone);
  /// Evaluates everything pending and computes the last token's logits; false when cancelled.
  bool ready_logits(std::uint32_t most_drafts);
  /// Whether all that the next logits need is a pass over the last token.
  bool one_token_missing();
  /// How many tokens may still be chosen, by the generation that runs or altogether.
  std::uint32_t wanted() const;
  /// How many tokens are worth drafting when at most `wanted` are to be chosen.
  std::uint32_t most_drafts(std::uint32_t wanted) const;
  /// Chooses the next token from the logits and adds it.
  Token choose();
  void step(bool room);

  Model model_;
  SessionOptions options_;
  const Network& network_;
  Workspace work_;
  KvCache cache_;
  Forward forward_;
  Sampler sampler_;
  AnswerParser raw_parser_, chat_parser_;

  std::vector<Token, PlannedMemory<Token>> tokens_;
  std::uint32_t evaluated_ = 0;
  std::uint32_t batch_end_ = 0,
                batch_rows_ = 0;  // the last prompt batch: its rows are still in the workspace
  std::uint32_t logits_end_ = 0;  // the logits in logits_row() follow this many tokens; 0: none
  std::uint32_t logits_row_ = 0;
  bool chat_ = false;  // the context was written as a conversation
  std::atomic<bool> cancel_{false};
  Statistics statistics_;
  TargetState target_;
  Speculator speculator_;
  std::array<Token, kLogitRows> pass_tokens_{};  // of the pass begun
  std::uint32_t pass_rows_ = 0;

  // the running generation
  GenerateOptions generate_;
  AnswerParser* parser_ = nullptr;
  std::uint32_t generated_ = 0;
  bool generating_ = false;
  FinishReason finished_ = FinishReason::none;
  bool flushed_ = false;  // the parser has given what it held back
};

}  // namespace gemma4
