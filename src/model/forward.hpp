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

/// One session's evaluation. A row's results depend on its own tokens alone: not on the batch it
/// comes in, the threads, or the kernels.
class Forward {
 public:
  Forward(const Network& network, WorkerPool& pool, Workspace& work)
      : network_(network), pool_(pool), work_(work), blocks_(network, pool, work) {}

  /// Evaluates tokens at positions first, first + 1, ... (at most the workspace's batch) and writes
  /// their K and V. Everything before `first` must be in the cache. False when cancelled: the cache
  /// rows of these positions are then undefined.
  bool run(std::span<const Token> tokens, std::uint32_t first, KvCache& cache,
           const std::atomic<bool>* cancel);

  /// Logits of rows row ... row + count - 1 of the last run (count <= kLogitRows), soft-capped.
  /// False when cancelled.
  bool logits(std::uint32_t row, std::uint32_t count, const std::atomic<bool>* cancel);

  /// Puts a row that another session's logits() gave in the place of the first one here.
  void set_row(std::span<const float> logits, std::span<const float> hidden);

  /// [vocabulary] of the i-th row of the last logits() call.
  std::span<const float> logits_row(std::uint32_t i) const;

  /// [hidden] of the same row after the final norm, which the head was given: what an assistant
  /// takes. Stays until the next logits() call.
  std::span<const float> hidden_row(std::uint32_t i) const;

 private:
  void embed(std::span<const Token> tokens, std::uint32_t first);
  void attention_block(std::size_t layer, std::uint32_t first, std::uint32_t rows, KvCache& cache);
  void heads(std::size_t layer, std::uint32_t first, std::uint32_t rows, KvCache& cache);
  void kv_heads(std::size_t layer, std::uint32_t row, std::uint32_t first, std::uint32_t begin,
                std::uint32_t end, KvCache& cache, float* scratch);

  const Network& network_;
  WorkerPool& pool_;
  Workspace& work_;
  Blocks blocks_;
};

}  // namespace gemma4
