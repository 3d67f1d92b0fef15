// Drafters: guesses of the next tokens, which the model then checks several at a time.
//
// A guess can only cost or save time: what is generated is what the model chooses, to the bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gemma4/allocator.hpp"
#include "gemma4/sampling.hpp"
#include "gemma4/tokenizer.hpp"

namespace gemma4 {

/// The longest draft: with the newest token it makes eight rows, which are evaluated together.
constexpr std::uint32_t kMostDrafts = 7;

/// For DraftSink::add: the drafter does not say how sure it is.
constexpr float kUnknownConfidence = -1.0f;

/// What a drafter may know. Everything lives during the call only.
struct DraftRequest {
  std::span<const Token> tokens;    ///< the context, at least one token; the model has not seen the
                                    ///< last one yet
  const SamplingOptions& sampling;  ///< how the model's token will be chosen
  std::uint32_t position = 0;       ///< of the first token to propose: tokens.size()
  std::uint32_t most = 0;           ///< no more than this many are wanted, 1 ... kMostDrafts
};

/// Takes a draft, token by token.
class DraftSink {
 public:
  /// Proposes the next token. `confidence`: the drafter's estimate, from 0 to 1, of the probability
  /// that the model chooses it, given that all before it are right. False: enough, stop drafting;
  /// more tokens are ignored. A token outside the vocabulary ends the draft before it.
  virtual bool add(Token token, float confidence = kUnknownConfidence) = 0;

 protected:
  ~DraftSink() = default;
};

/// What became of a draft.
struct DraftVerdict {
  std::span<const Token> draft;  ///< what was checked: the beginning of what was proposed
  std::uint32_t accepted = 0;    ///< this many the model chose too
  bool rejected = false;  ///< it chose another token in place of draft[accepted]; false: it was not
                          ///< asked further (all accepted, or the generation ended)
};

/// Guesses tokens. A session calls its drafter on the thread that generates, never two calls at a
/// time; a drafter belongs to one session at a time and must not use the session (but for
/// Session::cancel()). Speed is its only duty: a step of the model waits for it.
///
/// What a drafter throws passes through to the caller of Generation::next() or
/// Session::decode_step(). The session is as it was before that call: the next one goes on, and
/// asks the drafter again.
class Drafter {
 public:
  virtual ~Drafter() = default;

  /// Adds up to request.most tokens to `draft`, or none.
  virtual void propose(const DraftRequest& request, DraftSink& draft) = 0;

  /// What became of the last draft; not called for one of which nothing was checked. Called before
  /// the next propose().
  virtual void verified(const DraftVerdict& verdict) { (void)verdict; }

  /// All tokens from `position` on were forgotten; others may stand there now. Called before the
  /// next propose().
  virtual void rewound(std::uint32_t position) { (void)position; }
};

/// Proposes nothing.
class NoDrafter final : public Drafter {
 public:
  void propose(const DraftRequest&, DraftSink&) override {}
};

/// Looks for an earlier occurrence of the latest tokens (2 to 16 of them, the more the better) in
/// the context and proposes what followed there. Needs no weights; good at texts that repeat their
/// prompt: code, extraction, summaries, quotations. Its confidence follows from the length of what
/// matched and from how often that was right so far.
class NgramDrafter final : public Drafter {
 public:
  /// `context_tokens`: how far back it looks. Only the constructor allocates. Proposes nothing that
  /// it trusts less than `least_confidence`. `allocator`: whose memory its tables take; null: that
  /// of operator new.
  explicit NgramDrafter(std::uint32_t context_tokens, float least_confidence = 0.0f,
                        const std::shared_ptr<Allocator>& allocator = {});
  ~NgramDrafter() override;
  NgramDrafter(NgramDrafter&&) noexcept;
  NgramDrafter& operator=(NgramDrafter&&) noexcept;

  void propose(const DraftRequest& request, DraftSink& draft) override;
  void rewound(std::uint32_t position) override;

  /// Memory that its tables take.
  static std::uint64_t bytes(std::uint32_t context_tokens);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Asks several drafters in turn and takes the first draft that is not empty.
class FirstOf final : public Drafter {
 public:
  /// Shares the drafters; null pointers are skipped.
  explicit FirstOf(std::vector<std::shared_ptr<Drafter>> drafters);

  void propose(const DraftRequest& request, DraftSink& draft) override;
  void verified(const DraftVerdict& verdict) override;  ///< told to the one whose draft it was
  void rewound(std::uint32_t position) override;

 private:
  std::vector<std::shared_ptr<Drafter>> drafters_;
  Drafter* author_ = nullptr;  // of the last draft
};

}  // namespace gemma4
