// The few best tokens of an assistant's head, without ever keeping all logits.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/buffer.hpp"
#include "gemma4/tokenizer.hpp"
#include "model/network.hpp"
#include "parallel/worker_pool.hpp"
#include "weights/assistant_config.hpp"

namespace gemma4 {

/// A token that an assistant proposes.
struct DraftChoice {
  float logit = 0;
  Token token = 0;
};

/// The best of the choices it was offered: larger logits first, lower tokens first among equals.
/// That order is total, so neither the order of offers nor how they were shared out shows in it.
struct BestChoices {
  std::span<DraftChoice> room;
  std::uint32_t count = 0;
  std::uint32_t most = ~0u;  ///< kept at most, if there is room

  void offer(const DraftChoice& choice);  ///< no NaN
};

/// Multiplies the head task by task; a task keeps its logits to itself and looks through them at
/// once. With centroids only the clusters of the best kCentroidsTaken centroids are multiplied.
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
  struct Tiles {
    std::uint32_t first, count;
  };

  void choose_clusters(const Network& network, const Activations& hidden, WorkerPool& pool,
                       const std::atomic<bool>* cancel);
  std::uint32_t tasks() const;
  Tiles tiles_of(std::uint32_t task) const;
  void search(const Network& network, std::span<const std::uint32_t> suppressed_rows,
              const Activations& hidden, std::uint32_t task, Worker& worker);
  void conclude(const Kernels& kernels);

  std::uint32_t vocabulary_, centroids_;
  std::span<Worker> workers_;
  BestChoices best_, clusters_;  // clusters: centroids in place of tokens
  std::span<float> scores_;      // [centroids]
  std::span<float> maximum_;     // [tasks]: the largest logit of each
  std::span<float> sum_;         // [tasks]: of exponentials relative to it
  float confidence_ = 0;
};

}  // namespace gemma4
