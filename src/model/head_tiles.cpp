#include "model/head_tiles.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "model/matmul.hpp"
#include "weights/sketch.hpp"

namespace gemma4 {
namespace {

/// Tiles of a sketch that make a task: of the 12B's assistant some hundred KiB.
constexpr std::uint32_t kMatchTiles = 64;

}  // namespace

HeadTiles::HeadTiles(Carver& carver, const AssistantConfig& config, std::uint32_t threads)
    : all_(static_cast<std::uint32_t>(divide_up(config.shapes.vocabulary, kTileRows))),
      centroids_(config.centroids),
      most_runs_(1),
      run_tiles_(all_) {
  if (centroids_ != 0) {
    most_runs_ = std::min(centroids_, kCentroidsTaken);
    run_tiles_ = config.shapes.vocabulary / centroids_ / kTileRows;
    scores_ = carver.take<float>(round_up(centroids_, kTileRows));
  } else if (config.sketched) {
    most_runs_ = kTilesTaken;
    run_tiles_ = 1;
    const std::uint64_t blocks = divide_up(config.shapes.hidden, kSketchColumns);
    query_codes_ = carver.take<std::int8_t>(blocks * kSketchColumns);
    query_offset_ = carver.take<std::int32_t>(blocks);
    workers_ = carver.take<Worker>(threads);
    for (std::uint32_t i = 0; i < threads; ++i) {
      const Worker worker = {carver.take<float>(kMatchTiles),
                             {carver.take<DraftChoice>(kTilesTaken)}};
      if (!workers_.empty()) workers_[i] = worker;
    }
  }
  run_ = carver.take<std::uint32_t>(most_runs_);
  best_.room = carver.take<DraftChoice>(most_runs_);
}

void HeadTiles::choose(const Network& network, const Activations& hidden, WorkerPool& pool,
                       const std::atomic<bool>* cancel) {
  best_.begin(most_runs_);
  if (centroids_ != 0)
    choose_clusters(network, hidden, pool, cancel);
  else if (!workers_.empty())
    choose_tiles(network, hidden, pool, cancel);
  else
    best_.offer({0.0f, 0});
  runs_ = best_.count;
  for (std::uint32_t i = 0; i < runs_; ++i)
    run_[i] = static_cast<std::uint32_t>(best_.room[i].token);
  // in the order of memory, which streams best
  if (!workers_.empty()) std::sort(run_.begin(), run_.begin() + runs_);
}

void HeadTiles::choose_clusters(const Network& network, const Activations& hidden, WorkerPool& pool,
                                const std::atomic<bool>* cancel) {
  multiply(network.kernels, pool, cancel, {{network.weights.draft.centroids, scores_.data()}},
           hidden, 1);
  for (std::uint32_t i = 0; i < centroids_; ++i) {
    if (scores_[i] == scores_[i]) best_.offer({scores_[i], static_cast<Token>(i)});
  }
}

void HeadTiles::choose_tiles(const Network& network, const Activations& hidden, WorkerPool& pool,
                             const std::atomic<bool>* cancel) {
  const Matrix& sketch = network.weights.draft.sketch;
  sketch_query({hidden.values, sketch.columns}, query_codes_, query_offset_);
  const SketchQuery query = {static_cast<std::uint32_t>(query_offset_.size()), query_codes_.data(),
                             query_offset_.data()};
  const std::uint64_t bytes = tile_bytes(sketch.format, sketch.columns);
  for (Worker& worker : workers_) worker.best.begin(kTilesTaken);
  pool.run(static_cast<std::uint32_t>(divide_up(all_, kMatchTiles)),
           std::uint64_t{sketch.rows} * sketch.columns, cancel,
           [&](std::uint32_t task, std::uint32_t index) {
             Worker& worker = workers_[index];
             const std::uint32_t first = task * kMatchTiles,
                                 count = std::min(kMatchTiles, all_ - first);
             network.kernels.match(sketch.data + first * bytes, count, query, worker.scores.data());
             for (std::uint32_t i = 0; i < count; ++i) {
               const float score = worker.scores[i];  // may be no number
               if (score == score && worker.best.wants(score))
                 worker.best.offer({score, static_cast<Token>(first + i)});
             }
           });
  for (const Worker& worker : workers_) best_.offer(worker.best);
}

}  // namespace gemma4
