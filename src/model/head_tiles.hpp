// Which tiles of an assistant's head a step looks at.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/buffer.hpp"
#include "model/best_choices.hpp"
#include "model/network.hpp"
#include "parallel/worker_pool.hpp"
#include "weights/assistant_config.hpp"

namespace gemma4 {

/// Chooses runs of tiles: with centroids the clusters of the best kCentroidsTaken of them; with a
/// sketch the kTilesTaken single tiles with the best scores; otherwise one run, the whole head.
class HeadTiles {
 public:
  /// Places its arrays; during a plan (a Carver without memory) it serves for `most` alone.
  HeadTiles(Carver& carver, const AssistantConfig& config, std::uint32_t threads);

  std::uint32_t most() const { return most_runs_ * run_tiles_; }

  /// For a row, with codes where the centroids take them. Undefined when cancelled.
  void choose(const Network& network, const Activations& hidden, WorkerPool& pool,
              const std::atomic<bool>* cancel);

  // What was chosen: fewer than most() only if scores were no numbers.
  std::uint32_t count() const { return runs_ * run_tiles_; }
  std::uint32_t operator[](std::uint32_t i) const {
    return run_[i / run_tiles_] * run_tiles_ + i % run_tiles_;
  }

 private:
  struct Worker {
    std::span<float> scores;  // of one task
    BestChoices best;
  };

  void choose_clusters(const Network& network, const Activations& hidden, WorkerPool& pool,
                       const std::atomic<bool>* cancel);
  void choose_tiles(const Network& network, const Activations& hidden, WorkerPool& pool,
                    const std::atomic<bool>* cancel);

  std::uint32_t all_, centroids_, most_runs_, run_tiles_;
  std::uint32_t runs_ = 0;
  std::span<std::uint32_t> run_;  // [most_runs_]: numbers of runs
  BestChoices best_;              // centroids or tiles in place of tokens
  std::span<float> scores_;       // [centroids]
  // with a sketch
  std::span<Worker> workers_;
  std::span<std::int8_t> query_codes_;
  std::span<std::int32_t> query_offset_;
};

}  // namespace gemma4
