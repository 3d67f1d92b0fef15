// A conversation with a model: its tokens, its KV cache, its next logits.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>

#include "gemma4/chat.hpp"
#include "gemma4/event.hpp"
#include "gemma4/model.hpp"
#include "gemma4/statistics.hpp"

namespace gemma4 {

class Generation;

/// Belongs to one thread at a time; only cancel() may be called from any. Keeps its model alive.
/// After any Error the session is still usable and holds what it held before the failing call, or
/// the part of the prompt evaluated so far.
class Session {
 public:
  /// Takes all the memory of plan(options). Throws Error(invalid_argument | budget_exceeded |
  /// out_of_memory).
  explicit Session(const Model& model, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Adds messages: all of a conversation to an empty session, later the new ones only. What the
  /// model generated stays in the context exactly as it was generated; an open turn is closed
  /// first. Tokens are evaluated by the next generate(), prefill() or logits(). Throws
  /// Error(context_full | invalid_argument).
  void append(const Chat& chat);

  /// Adds raw text; an empty session gets bos first (once).
  void append_text(std::string_view text, SpecialTokens special = SpecialTokens::user_defined);

  /// Adds tokens as they are. Throws Error(invalid_argument) for an id outside the vocabulary.
  void append_tokens(std::span<const Token> tokens);

  /// Generates an answer: `for (const Event& event : session.generate(options))`. One generation at
  /// a time; leaving the loop early ends it and keeps the tokens chosen so far. Throws
  /// Error(invalid_argument) when there is no token to start from.
  Generation generate(const GenerateOptions& options = {});

  /// Evaluates everything appended so far; `on_progress(done, total)` is called between chunks and
  /// may return false to stop with Error(cancelled). generate() and logits() do this by themselves.
  void prefill(
      const std::function<bool(std::uint32_t done, std::uint32_t total)>& on_progress = {});

  /// Adds tokens and evaluates them at once, handing out the logits [vocabulary] after each
  /// position as they come; the span lives during the call. For perplexity and the like.
  void prefill_tokens(
      std::span<const Token> tokens,
      const std::function<void(std::uint32_t position, std::span<const float> logits)>& on_logits);

  /// Logits [vocabulary] that follow the last token, soft-capped; valid until the session changes.
  std::span<const float> logits();

  /// Chooses the next token, adds it and returns it; it is evaluated when the next logits are
  /// needed. May draft tokens ahead (SessionOptions::speculation), which changes nothing but speed.
  /// Throws Error(context_full | cancelled | invalid_argument), and what a drafter of the caller's
  /// throws.
  Token decode_step(const SamplingOptions& options = {});

  /// Forgets all tokens from `position` on. The cache is kept where it still holds what is needed;
  /// otherwise the rest is evaluated again when next needed. Throws Error(invalid_argument) when
  /// position > position().
  void rewind(std::uint32_t position);

  /// Stops whatever the session is computing, from any thread: the call in progress ends with
  /// Error(cancelled), a generation with FinishReason::cancelled. Without effect when nothing runs.
  void cancel() noexcept;

  std::span<const Token> tokens()
      const;  ///< everything in the context, in order; valid until the session changes
  std::uint32_t position() const;        ///< number of tokens in the context
  std::uint32_t context_tokens() const;  ///< its limit
  Statistics statistics() const;
  const Model& model() const;

  class Impl;

 private:
  friend class Generation;
  std::unique_ptr<Impl> impl_;
};

/// The running answer; an input range of events. Must not outlive its session.
class Generation {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Event;
    using difference_type = std::ptrdiff_t;
    using pointer = const Event*;
    using reference = const Event&;

    Iterator() = default;
    explicit Iterator(Generation* generation) : generation_(generation) {}
    const Event& operator*() const { return generation_->event_; }
    const Event* operator->() const { return &generation_->event_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return generation_ == nullptr; }

   private:
    Generation* generation_ = nullptr;
  };

  Generation(Generation&&) noexcept;
  Generation& operator=(Generation&&) = delete;
  ~Generation();

  /// The next event, or nullptr after Event::Kind::end. Throws like Session::prefill, and what a
  /// drafter of the caller's throws: then the generation is not over, and the next call goes on.
  const Event* next();

  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class Session;
  explicit Generation(Session::Impl* session) : session_(session) {}
  Session::Impl* session_ = nullptr;
  Event event_;
};

}  // namespace gemma4
