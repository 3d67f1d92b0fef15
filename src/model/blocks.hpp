// The parts of a layer that models and assistants have in common.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "cache/kv_row.hpp"
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

  /// The norm that the first layer begins with.
  void begin(std::uint32_t rows);

  /// query, key and value = the layer's projections of the normed residual stream.
  void project_heads(std::size_t layer, std::uint32_t rows);

  /// A row's heads, or part of them.
  struct HeadShare {
    std::uint32_t row, part, parts;
    std::uint32_t begin(std::uint32_t heads) const { return heads * part / parts; }
    std::uint32_t end(std::uint32_t heads) const { return heads * (part + 1) / parts; }
  };

  /// Calls work(share, worker) for all rows. Where there are fewer rows than threads a row's heads
  /// are shared out.
  template <typename Work>
  void share_heads(std::size_t layer, std::uint32_t rows, const Work& work) {
    const LayerConfig& shape = network_.config.layers[layer];
    const std::uint64_t numbers =
        network_.config.query_size(shape) + 2 * network_.config.kv_size(shape);
    const std::uint64_t size = elementwise(rows * numbers);
    const std::uint32_t threads = static_cast<std::uint32_t>(pool_.sharers(size)),
                        parts = rows < threads ? std::min(threads, network_.config.query_heads) : 1;
    pool_.run(rows * parts, size, cancel_, [&](std::uint32_t task, std::uint32_t worker) {
      work(HeadShare{task / parts, task % parts, parts}, worker);
    });
  }

  /// The keys that queries are for: what their rows hold, and the norm they went through.
  struct QueryForm {
    const KvRow& row;
    std::span<const float> key_norm;
  };

  /// Norms and rotates query heads begin ... end - 1 of a row to where and as attention wants them.
  void query_heads(std::size_t layer, std::uint32_t row, std::uint32_t rows, std::uint32_t begin,
                   std::uint32_t end, const QueryForm& form);

  /// Adds what was attended to, projected and normed, to the residual stream.
  void finish_attention(std::size_t layer, std::uint32_t rows);

  /// The feed-forward block and the layer's scale.
  void feed_forward(std::size_t layer, std::uint32_t rows);

 private:
  void gate_and_up(const LayerWeights& w, std::uint32_t rows, const Activations& gated);
  void project(std::initializer_list<Product> products, const Activations& a, std::uint32_t rows,
               float* spare);
  void norm_row(std::uint32_t from, std::uint32_t row, std::span<const float> weight, bool codes);
  void add_rows(std::uint32_t rows, std::span<const float> weight, float factor,
                std::span<const float> next_norm, bool codes);
  bool codes_for_attention(std::size_t layer, std::uint32_t rows) const;
  bool codes_for_feed_forward(std::size_t layer, std::uint32_t rows) const;

  const Network& network_;
  WorkerPool& pool_;
  Workspace& work_;
  const std::atomic<bool>* cancel_ = nullptr;
};

}  // namespace gemma4
