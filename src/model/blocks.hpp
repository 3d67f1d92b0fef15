// The parts of a layer that models and assistants have in common.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "model/matmul.hpp"
#include "model/network.hpp"
#include "model/workspace.hpp"
#include "parallel/worker_pool.hpp"

namespace gemma4 {

/// Works on the first `rows` rows of a workspace's residual stream. Between project_heads() and
/// finish_attention() the caller turns the heads of every row, places keys and values if the
/// network has them, and attends.
class Blocks {
 public:
  Blocks(const Network& network, WorkerPool& pool, Workspace& work)
      : network_(network), pool_(pool), work_(work) {}

  /// When *cancel becomes true the rest of the work is skipped.
  void set_cancel(const std::atomic<bool>* cancel) { cancel_ = cancel; }
  const std::atomic<bool>* cancel() const { return cancel_; }
  bool cancelled() const { return cancel_ != nullptr && cancel_->load(std::memory_order_relaxed); }

  /// The rotary angles of a row.
  void set_position(std::uint32_t row, std::uint32_t position);

  /// normed = rms_norm(residual rows from `from` on), for the matrices that follow.
  void norm_rows(std::uint32_t from, std::uint32_t rows, std::span<const float> weight, bool codes);

  /// query, key and value = the layer's projections of the normed residual stream.
  void project_heads(std::size_t layer, std::uint32_t rows);

  /// Norms and rotates the query heads of one row to where attention wants them.
  void turn_queries(std::size_t layer, std::uint32_t row, std::uint32_t rows);

  /// Adds what was attended to, projected and normed, to the residual stream.
  void finish_attention(std::size_t layer, std::uint32_t rows);

  /// The feed-forward block and the layer's scale.
  void feed_forward(std::size_t layer, std::uint32_t rows);

 private:
  void project(std::initializer_list<Product> products, const Activations& a, std::uint32_t rows,
               float* spare);
  void add_rows(std::uint32_t rows, std::span<const float> weight, float factor);
  Activations widen(std::span<float> values, std::uint32_t columns, std::uint32_t rows, bool codes);

  const Network& network_;
  WorkerPool& pool_;
  Workspace& work_;
  const std::atomic<bool>* cancel_ = nullptr;
};

}  // namespace gemma4
