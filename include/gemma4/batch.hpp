// Several sessions, one reading of the weights.
//
//   gemma4::Batch batch(model);
//   std::vector<gemma4::Generation> answers = ...;  // one of each session, from generate()
//   while (!running.empty()) {
//     batch.evaluate(running);                      // std::vector<gemma4::Session*>
//     for (each running session and its answer)
//       while (const gemma4::Event* event = answer.next_ready()) ...;
//     // take those out of `running` whose answer.ended()
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "gemma4/memory.hpp"
#include "gemma4/model.hpp"

namespace gemma4 {

class Session;

struct BatchOptions {
  /// Rows of a pass, 8 ... 256: one for every session and one for every token it drafts. More rows
  /// than that are taken in several passes. 0 = 32.
  std::uint32_t rows = 0;
  /// The largest context of a session that takes part; 0 = 8192 or the model's limit if that is
  /// less.
  std::uint32_t context_tokens = 0;
};

/// Computes what several sessions of a model need next in passes that they share. A decoding step
/// costs what it takes to read the weights, for one session or for several; each gets the bits it
/// would get alone. A Batch has the memory that a pass is computed in and knows no session between
/// two calls. It belongs to one thread at a time, and so do the sessions during a call; only
/// cancel() may be called from any. Keeps its model alive.
class Batch {
 public:
  /// Takes all its memory. Throws Error(invalid_argument | out_of_memory).
  explicit Batch(const Model& model, const BatchOptions& options = {});
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;
  ~Batch();

  /// What a batch takes beside the model and its sessions; only workspace_bytes is set.
  static MemoryPlan plan(const Model& model, const BatchOptions& options = {});

  /// Evaluates the last token of every session, so that decode_step(), logits() and
  /// Generation::next_ready() have their logits at once. Sessions that have them already are left
  /// alone. One whose prompt is not evaluated yet evaluates it by itself first: prompts use the
  /// weights well alone. Sessions draft if their depth is fixed; those with the automatic depth do
  /// not, because it weighs passes of one session only. The times in a session's statistics are
  /// those of the shared passes.
  ///
  /// Throws Error(invalid_argument) for a null pointer, the same session twice, a session of
  /// another model, of a larger context or without a token; Error(cancelled); and what a drafter of
  /// the caller's throws. The sessions are as they were then, or have logits.
  void evaluate(std::span<Session* const> sessions);

  /// Stops evaluate(), from any thread. Cancelling one session stops only the prompt that it
  /// evaluates by itself.
  void cancel() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gemma4
