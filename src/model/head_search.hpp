// The few best tokens of an assistant's head, without ever keeping all logits.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/buffer.hpp"
#include "model/best_choices.hpp"
#include "model/head_tiles.hpp"
#include "model/network.hpp"
#include "parallel/worker_pool.hpp"
#include "weights/assistant_config.hpp"

namespace gemma4 {

/// Multiplies the head task by task; a task keeps its logits to itself and looks through them at
/// once. Only the tiles of HeadTiles are multiplied.
class HeadSearch {
 public:
  /// Places its arrays; during a plan (a Carver without memory) it serves for nothing else.
  HeadSearch(Carver& carver, const AssistantConfig& config, std::uint32_t threads,
             std::uint32_t choices);

  /// `hidden` is one row, with codes where the head or the centroids take them. `suppressed_rows`
  /// of the head, in ascending order, are left out. `choices` of the tokens there is room for will
  /// do. False when cancelled.
  bool run(const Network& network, std::span<const std::uint32_t> suppressed_rows,
           const Activations& hidden, WorkerPool& pool, const std::atomic<bool>* cancel,
           std::uint32_t choices);

  std::span<const DraftChoice> best() const { return best_.room.first(best_.count); }
  float confidence() const { return confidence_; }

 private:
  struct Worker {
    std::span<float> logits;  // of one task
    BestChoices best;
  };

  void multiply_tiles(const Network& network, std::span<const std::uint32_t> suppressed_rows,
                      const Activations& hidden, std::uint32_t first, std::span<float> logits);
  void search(const Network& network, std::span<const std::uint32_t> suppressed_rows,
              const Activations& hidden, std::uint32_t task, Worker& worker);
  void conclude(const Kernels& kernels);

  std::uint32_t vocabulary_;
  HeadTiles tiles_;
  std::span<Worker> workers_;
  BestChoices best_;
  std::span<float> maximum_;  // [tasks]: the largest logit of each
  std::span<float> sum_;      // [tasks]: of exponentials relative to it
  float confidence_ = 0;
};

}  // namespace gemma4
