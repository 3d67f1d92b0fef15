// The forward pass of the target model.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "cache/kv_cache.hpp"
#include "gemma4/tokenizer.hpp"
#include "model/matmul.hpp"
#include "model/network.hpp"
#include "model/workspace.hpp"
#include "parallel/worker_pool.hpp"

namespace gemma4 {

/// One session's evaluation. A row's results depend on its own tokens alone: not on the batch it
/// comes in, the threads, or the kernels.
class Forward {
 public:
  Forward(const Network& network, WorkerPool& pool, Workspace& work)
      : network_(network), pool_(pool), work_(work) {}

  /// Evaluates tokens at positions first, first + 1, ... (at most the workspace's batch) and writes
  /// their K and V. Everything before `first` must be in the cache. False when cancelled: the cache
  /// rows of these positions are then undefined.
  bool run(std::span<const Token> tokens, std::uint32_t first, KvCache& cache,
           const std::atomic<bool>* cancel);

  /// Logits of rows row ... row + count - 1 of the last run (count <= kLogitRows), soft-capped.
  /// False when cancelled.
  bool logits(std::uint32_t row, std::uint32_t count, const std::atomic<bool>* cancel);

  /// [vocabulary] of the i-th row of the last logits() call.
  std::span<const float> logits_row(std::uint32_t i) const;

  /// [hidden] of the same row after the output norm: what its logits were made from. Valid until
  /// the next run or logits.
  std::span<const float> hidden_row(std::uint32_t i) const;

 private:
  void embed(std::span<const Token> tokens, std::uint32_t first);
  void attention_block(std::size_t layer, std::uint32_t first, std::uint32_t rows, KvCache& cache);
  void heads(std::size_t layer, std::uint32_t first, std::uint32_t rows, KvCache& cache);
  void query_heads(std::size_t layer, std::uint32_t row, std::uint32_t rows, std::uint32_t begin,
                   std::uint32_t end);
  void kv_heads(std::size_t layer, std::uint32_t row, std::uint32_t first, std::uint32_t begin,
                std::uint32_t end, KvCache& cache, float* scratch);
  void feed_forward_block(std::size_t layer, std::uint32_t rows);
  void gate_and_up(const LayerWeights& w, std::uint32_t rows, const Activations& gated);
  void project(std::initializer_list<Product> products, const Activations& a, std::uint32_t rows,
               float* spare);
  void norm_row(std::uint32_t from, std::uint32_t row, std::span<const float> weight, bool codes);
  void norm_rows(std::uint32_t from, std::uint32_t rows, std::span<const float> weight, bool codes);
  void add_rows(std::uint32_t rows, std::span<const float> weight, float factor,
                std::span<const float> next_norm, bool codes);
  bool codes_for_attention(std::size_t layer, std::uint32_t rows) const;
  bool codes_for_feed_forward(std::size_t layer, std::uint32_t rows) const;
  Activations wide(std::span<float> values, std::uint32_t columns) const;

  const Network& network_;
  WorkerPool& pool_;
  Workspace& work_;
  const std::atomic<bool>* cancel_ = nullptr;
};

}  // namespace gemma4
