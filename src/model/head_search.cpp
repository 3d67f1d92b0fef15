#include "model/head_search.hpp"

#include <algorithm>
#include <limits>

#include "base/checked.hpp"
#include "model/matmul.hpp"

namespace gemma4 {
namespace {

/// Tiles of a task: of the 12B's assistant in Q6_K about a hundred KiB. Not a number of bytes, so
/// that the memory plan does not depend on the weights' format.
constexpr std::uint32_t kSearchTiles = 8;

constexpr float kLeftOut = -std::numeric_limits<float>::infinity();

std::uint32_t head_tiles(std::uint32_t rows) {
  return static_cast<std::uint32_t>(divide_up(rows, kTileRows));
}

std::uint32_t tasks_of(std::uint32_t tiles) {
  return static_cast<std::uint32_t>(divide_up(tiles, kSearchTiles));
}

bool better(const DraftChoice& a, const DraftChoice& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

/// Sixteen lanes and a fixed tree, as all sums (docs/numerics.md, rule 4).
float sum_of(std::span<const float> values) {
  float lanes[16] = {};
  for (std::size_t i = 0; i < values.size(); i += 16) {
    for (std::size_t lane = 0; lane < 16; ++lane) lanes[lane] += values[i + lane];
  }
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

}  // namespace

void BestChoices::offer(const DraftChoice& choice) {
  const std::uint32_t limit = std::min(most, static_cast<std::uint32_t>(room.size()));
  if (count >= limit) {
    if (limit == 0 || !better(choice, room[limit - 1])) return;
    count = limit - 1;
  }
  const auto end = room.begin() + count;
  const auto place = std::upper_bound(room.begin(), end, choice, better);
  std::move_backward(place, end, end + 1);
  *place = choice;
  ++count;
}

HeadSearch::HeadSearch(Carver& carver, const AssistantConfig& config, std::uint32_t threads,
                       std::uint32_t choices)
    : vocabulary_(config.shapes.vocabulary), centroids_(config.centroids) {
  best_.room = carver.take<DraftChoice>(choices);
  if (centroids_ != 0) {
    clusters_.room = carver.take<DraftChoice>(std::min(centroids_, kCentroidsTaken));
    clusters_.count = std::min(centroids_, kCentroidsTaken);
    scores_ = carver.take<float>(round_up(centroids_, kTileRows));
  }
  // whole vectors of 16, for the kernels
  const std::uint64_t most_tasks = round_up(tasks(), 16);
  maximum_ = carver.take<float>(most_tasks);
  sum_ = carver.take<float>(most_tasks);
  workers_ = carver.take<Worker>(threads);
  for (std::uint32_t i = 0; i < threads; ++i) {
    Worker worker;
    worker.logits = carver.take<float>(kSearchTiles * kTileRows);
    worker.best.room = carver.take<DraftChoice>(choices);
    if (!workers_.empty()) workers_[i] = worker;
  }
}

std::uint32_t HeadSearch::tasks() const {
  if (centroids_ == 0) return tasks_of(head_tiles(vocabulary_));
  return clusters_.count * tasks_of(vocabulary_ / centroids_ / kTileRows);
}

HeadSearch::Tiles HeadSearch::tiles_of(std::uint32_t task) const {
  std::uint32_t first = 0, all = head_tiles(vocabulary_);
  if (centroids_ != 0) {
    all = vocabulary_ / centroids_ / kTileRows;
    first = static_cast<std::uint32_t>(clusters_.room[task / tasks_of(all)].token) * all;
    task %= tasks_of(all);
  }
  return {first + task * kSearchTiles, std::min(kSearchTiles, all - task * kSearchTiles)};
}

void HeadSearch::choose_clusters(const Network& network, const Activations& hidden,
                                 WorkerPool& pool, const std::atomic<bool>* cancel) {
  multiply(network.kernels, pool, cancel, {{network.weights.draft.centroids, scores_.data()}},
           hidden, 1);
  clusters_.count = 0;
  for (std::uint32_t i = 0; i < centroids_; ++i) {
    if (scores_[i] == scores_[i]) clusters_.offer({scores_[i], static_cast<Token>(i)});
  }
}

void HeadSearch::search(const Network& network, std::span<const std::uint32_t> suppressed_rows,
                        const Activations& hidden, std::uint32_t task, Worker& worker) {
  const Matrix& head = network.weights.embedding;
  const std::span<const std::uint32_t> row_tokens = network.weights.draft.row_tokens;
  const Tiles tiles = tiles_of(task);
  const std::uint32_t first = tiles.first * kTileRows, rows = tiles.count * kTileRows;
  const std::span<float> logits = worker.logits.first(rows);
  network.kernels.matmul(head.format,
                         head.data + tiles.first * tile_bytes(head.format, head.columns),
                         tiles.count, hidden, 1, logits.data(), rows);
  for (std::uint32_t row = std::max(first, vocabulary_); row < first + rows; ++row)
    logits[row - first] = kLeftOut;
  for (auto row = std::lower_bound(suppressed_rows.begin(), suppressed_rows.end(), first);
       row != suppressed_rows.end() && *row < first + rows; ++row)
    logits[*row - first] = kLeftOut;
  float maximum = kLeftOut;
  for (std::uint32_t i = 0; i < rows; ++i) {
    if (!(logits[i] > kLeftOut)) continue;  // left out, or not a number
    const std::uint32_t row = first + i;
    worker.best.offer({logits[i], static_cast<Token>(row_tokens.empty() ? row : row_tokens[row])});
    maximum = std::max(maximum, logits[i]);
  }
  maximum_[task] = maximum;
  for (float& logit : logits) logit = maximum > kLeftOut ? logit - maximum : kLeftOut;
  network.kernels.exponential(logits.data(), rows, logits.data());
  sum_[task] = sum_of(logits);
}

/// Task after task in ascending order, whoever computed them.
void HeadSearch::conclude(const Kernels& kernels) {
  best_.count = 0;
  for (const Worker& worker : workers_) {
    for (const DraftChoice& choice : worker.best.room.first(worker.best.count)) best_.offer(choice);
  }
  const std::uint32_t count = tasks();
  const std::span<float> weight = maximum_.first(round_up(count, 16));
  std::fill(weight.begin() + count, weight.end(), kLeftOut);
  float maximum = kLeftOut;
  for (const float value : weight) maximum = std::max(maximum, value);
  for (float& value : weight) value = value > kLeftOut ? value - maximum : kLeftOut;
  kernels.exponential(weight.data(), static_cast<std::uint32_t>(weight.size()), weight.data());
  double total = 0;
  for (std::uint32_t i = 0; i < count; ++i) total += double{weight[i]} * double{sum_[i]};
  confidence_ = total > 0 ? static_cast<float>(std::min(1.0, 1.0 / total)) : 0.0f;
}

bool HeadSearch::run(const Network& network, std::span<const std::uint32_t> suppressed_rows,
                     const Activations& hidden, WorkerPool& pool, const std::atomic<bool>* cancel,
                     std::uint32_t choices) {
  const auto cancelled = [&] {
    return cancel != nullptr && cancel->load(std::memory_order_relaxed);
  };
  if (centroids_ != 0) choose_clusters(network, hidden, pool, cancel);
  if (cancelled()) return false;
  best_.most = choices;
  for (Worker& worker : workers_) worker.best.count = 0, worker.best.most = choices;
  const std::uint64_t tiles =
      centroids_ != 0 ? std::uint64_t{kCentroidsTaken} * (vocabulary_ / centroids_) / kTileRows
                      : network.head().tiles();
  pool.run(tasks(), tiles * kTileRows * network.head().columns, cancel,
           [&](std::uint32_t task, std::uint32_t worker) {
             search(network, suppressed_rows, hidden, task, workers_[worker]);
           });
  if (cancelled()) return false;
  conclude(network.kernels);
  return true;
}

}  // namespace gemma4
