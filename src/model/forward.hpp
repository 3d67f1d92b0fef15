// The forward pass of the target model.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "cache/kv_cache.hpp"
#include "gemma4/tokenizer.hpp"
#include "model/blocks.hpp"
#include "model/network.hpp"
#include "model/workspace.hpp"
#include "parallel/worker_pool.hpp"

namespace gemma4 {

/// Tokens at positions first, first + 1, ... of a context whose rows are in `cache`; everything
/// before `first` is there.
struct Sequence {
  std::span<const Token> tokens;
  std::uint32_t first;
  KvCache* cache;
};

/// Evaluation in one workspace. A row's results depend on its own tokens alone: not on the batch it
/// comes in, the threads, or the kernels.
class Forward {
 public:
  Forward(const Network& network, WorkerPool& pool, Workspace& work)
      : network_(network), pool_(pool), work_(work), blocks_(network, pool, work) {}

  /// Evaluates sequences of different caches in one pass (together at most the workspace's batch)
  /// and writes their K and V. False when cancelled: the cache rows of these positions are then
  /// undefined.
  bool run(std::span<const Sequence> sequences, const std::atomic<bool>* cancel);
  bool run(std::span<const Token> tokens, std::uint32_t first, KvCache& cache,
           const std::atomic<bool>* cancel) {
    const Sequence one = {tokens, first, &cache};
    return run(std::span(&one, 1), cancel);
  }

  /// Logits of rows row ... row + count - 1 of the last run (count <= the workspace's logit rows),
  /// soft-capped. Rows of a run are numbered through its sequences. False when cancelled.
  bool logits(std::uint32_t row, std::uint32_t count, const std::atomic<bool>* cancel);

  /// Puts a row that logits() gave elsewhere in the place of the i-th one here.
  void set_row(std::uint32_t i, std::span<const float> logits, std::span<const float> hidden);

  /// [vocabulary] of the i-th row of the last logits() call.
  std::span<const float> logits_row(std::uint32_t i) const;

  /// [hidden] of the same row after the final norm, which the head was given: what an assistant
  /// takes. Stays until the next logits() call.
  std::span<const float> hidden_row(std::uint32_t i) const;

 private:
  using Sequences = std::span<const Sequence>;
  void embed(Sequences sequences, std::uint32_t rows);
  void attention_block(std::size_t layer, Sequences sequences, std::uint32_t rows);
  void heads(std::size_t layer, Sequences sequences, std::uint32_t rows);
  void kv_heads(std::size_t layer, std::uint32_t row, std::uint32_t begin, std::uint32_t end,
                KvCache& cache, std::uint32_t position, float* scratch);

  std::size_t logits_at(std::uint32_t i) const {
    return std::size_t{i} * network_.head().tiles() * kTileRows;
  }
  std::size_t hidden_at(std::uint32_t i) const { return std::size_t{i} * network_.config.hidden; }

  const Network& network_;
  WorkerPool& pool_;
  Workspace& work_;
  Blocks blocks_;
};

}  // namespace gemma4
