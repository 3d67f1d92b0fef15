// What a Session handle points to.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cache/kv_cache.hpp"
#include "decode/sampler.hpp"
#include "gemma4/session.hpp"
#include "model/assistant.hpp"
#include "model/forward.hpp"
#include "session/model_impl.hpp"
#include "text/answer_parser.hpp"

namespace gemma4 {

/// The context is `tokens_`; the first `evaluated_` of them have rows in the cache. Logits belong
/// to the last token once it is evaluated.
class Session::Impl {
 public:
  Impl(const Model& model, const SessionOptions& options);

  void append_tokens(std::span<const Token> tokens);
  void append_text(std::string_view text, SpecialTokens special);
  void append(const Chat& chat);

  /// Evaluates what is pending. Throws Error(cancelled).
  void prefill(const std::function<bool(std::uint32_t, std::uint32_t)>& on_progress);
  void prefill_tokens(std::span<const Token> tokens,
                      const std::function<void(std::uint32_t, std::span<const float>)>& on_logits);
  std::span<const float> logits();
  Token decode_step(const SamplingOptions& options);
  void rewind(std::uint32_t position);

  void start(const GenerateOptions& options);
  /// The next event of the running generation; false after the end.
  bool next(Event& event);
  void stop_generating() noexcept { generating_ = false; }

  void clear_cancel() { cancel_.store(false, std::memory_order_relaxed); }
  void cancel() noexcept { cancel_.store(true, std::memory_order_relaxed); }

  std::span<const Token> tokens() const { return tokens_; }
  std::uint32_t context_tokens() const { return options_.context_tokens; }
  const Statistics& statistics() const { return statistics_; }
  const Model& model() const { return model_; }

 private:
  enum class Phase { prefill, decode };

  std::uint32_t size() const { return static_cast<std::uint32_t>(tokens_.size()); }
  bool cancelled() const { return cancel_.load(std::memory_order_relaxed); }
  [[noreturn]] static void throw_cancelled();
  /// Evaluates the next batch of pending tokens; false when cancelled.
  bool evaluate_batch(Phase phase);
  /// Evaluates everything pending and computes the last token's logits; false when cancelled.
  bool ready_logits();
  Token choose();
  void step();

  Model model_;
  SessionOptions options_;
  const Network& network_;
  Workspace work_;
  KvCache cache_;
  Forward forward_;
  std::optional<Assistant> assistant_;
  Sampler sampler_;
  AnswerParser raw_parser_, chat_parser_;

  std::vector<Token> tokens_;
  std::uint32_t evaluated_ = 0;
  std::uint32_t batch_end_ = 0,
                batch_rows_ = 0;  // the last batch: its rows are still in the workspace
  bool logits_ready_ = false;     // for the token at size() - 1
  bool chat_ = false;             // the context was written as a conversation
  std::atomic<bool> cancel_{false};
  Statistics statistics_;

  // the running generation
  GenerateOptions generate_;
  AnswerParser* parser_ = nullptr;
  std::uint32_t generated_ = 0;
  bool generating_ = false;
  FinishReason finished_ = FinishReason::none;
  bool flushed_ = false;  // the parser has given what it held back
};

}  // namespace gemma4
