// A conversation with a model: its tokens, its KV cache, its next logits.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
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
  /// first. Tokens are evaluated by the next generate(), prefill() or logits(). What does not fit
  /// any more is for SessionOptions::context_policy to decide, here and below. Throws
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
  /// With ContextPolicy::shift a full context loses tokens first, also when the call fails later.
  /// Throws Error(context_full | cancelled | invalid_argument), and what a drafter of the caller's
  /// throws.
  Token decode_step(const SamplingOptions& options = {});

  /// Forgets all tokens from `position` on, and ends a running generation. Returns how many of the
  /// tokens that are left have lost their rows and will be evaluated again, to the same bits, when
  /// next needed: 0 down to earliest_rewind(), all of them below it. (The last token is evaluated
  /// once more when its logits are wanted; it is not counted.) Throws Error(invalid_argument) when
  /// position > position().
  std::uint32_t rewind(std::uint32_t position);

  /// The lowest position that rewind() can go back to without evaluating anything again: sliding
  /// layers keep their window and a little more, and no earlier rows.
  std::uint32_t earliest_rewind() const;

  /// A second session that holds what this one holds, made for the same options. The rows are
  /// shared, and copied page by page when one of the two writes; each goes on as if it were alone.
  /// A running generation stays with this session and is refused: fork before generate() or after
  /// its end. So does a drafter of the caller's (DrafterKind::custom): the fork drafts nothing.
  /// Throws Error(invalid_argument | out_of_memory).
  Session fork();

  /// Writes what the session holds to a file: tokens, rows, the last logits. The file appears whole
  /// or not at all, in place of one that was there, and is on the disk when this returns. Not while
  /// a generation runs. Sampling needs no state (its draws depend on seed and position); what the
  /// speculation has learned about speed is not saved. cancel() stops it. Throws
  /// Error(invalid_argument | io | cancelled); the session is not changed in any case.
  void save(const std::string& path);

  /// The same to the caller: `write` gets the snapshot piece by piece, at most 1 MiB at a time, and
  /// returns false to stop with Error(cancelled). What it throws passes through.
  void save(const std::function<bool(std::span<const std::byte> bytes)>& write);

  /// A session that goes on where the saved one was, to the bit, on any machine. `options.kv` must
  /// be what it was saved with; context_tokens 0 is the saved session's; the rest is free. `stop`
  /// gives Error(cancelled). Throws Error(io) for a file that cannot be read, Error(format) for a
  /// damaged one, Error(unsupported) for one of another version, Error(invalid_argument) for one of
  /// another model, quantisation or kind of rows, and what the constructor throws.
  static Session restore(const Model& model, const std::string& path,
                         const SessionOptions& options = {}, const std::stop_token& stop = {});

  /// The same from the caller: `read` fills the beginning of its argument and returns how many
  /// bytes it gave; 0: there are no more. It is not asked for bytes behind the snapshot. What it
  /// throws passes through.
  static Session restore(const Model& model,
                         const std::function<std::size_t(std::span<std::byte> bytes)>& read,
                         const SessionOptions& options = {}, const std::stop_token& stop = {});

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
  friend class Batch;
  friend class Generation;
  explicit Session(std::unique_ptr<Impl> impl);
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

  /// Like next() if the event can be had without evaluating, else nullptr: Batch::evaluate() with
  /// this session comes first then. nullptr also after the end.
  const Event* next_ready();

  /// The last event was taken, or something else ended the generation.
  bool ended() const;

  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class Session;
  explicit Generation(Session::Impl* session) : session_(session) {}
  Session::Impl* session_ = nullptr;
  Event event_;
};

}  // namespace gemma4
