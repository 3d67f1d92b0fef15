#include "model/head_search.hpp"

#include <algorithm>
#include <limits>

#include "base/checked.hpp"
#include "base/lanes.hpp"
#include "model/matmul.hpp"

namespace gemma4 {
namespace {

/// Tiles of a task: of the 12B's assistant in Q6_K about a hundred KiB. Not a number of bytes, so
/// that the memory plan does not depend on the weights' format.
constexpr std::uint32_t kSearchTiles = 8;

constexpr float kLeftOut = -std::numeric_limits<float>::infinity();

std::uint32_t tasks_of(std::uint32_t tiles) {
  return static_cast<std::uint32_t>(divide_up(tiles, kSearchTiles));
}

}  // namespace

HeadSearch::HeadSearch(Carver& carver, const AssistantConfig& config, std::uint32_t threads,
                       std::uint32_t choices)
    : vocabulary_(config.shapes.vocabulary), tiles_(carver, config, threads) {
  best_.room = carver.take<DraftChoice>(choices);
  // whole vectors of 16, for the kernels
  const std::uint64_t most_tasks = round_up(tasks_of(tiles_.most()), 16);
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

/// The logits of tiles that lie one behind the other, without what is left out.
void HeadSearch::multiply_tiles(const Network& network,
                                std::span<const std::uint32_t> suppressed_rows,
                                const Activations& hidden, std::uint32_t first,
                                std::span<float> logits) {
  const Matrix& head = network.weights.embedding;
  const std::uint32_t row = first * kTileRows, rows = static_cast<std::uint32_t>(logits.size());
  network.kernels.matmul(head.format, head.data + first * tile_bytes(head.format, head.columns),
                         rows / kTileRows, hidden, 1, logits.data(), rows);
  for (std::uint32_t i = std::max(row, vocabulary_); i < row + rows; ++i)
    logits[i - row] = kLeftOut;
  for (auto i = std::lower_bound(suppressed_rows.begin(), suppressed_rows.end(), row);
       i != suppressed_rows.end() && *i < row + rows; ++i)
    logits[*i - row] = kLeftOut;
}

void HeadSearch::search(const Network& network, std::span<const std::uint32_t> suppressed_rows,
                        const Activations& hidden, std::uint32_t task, Worker& worker) {
  const std::span<const std::uint32_t> row_tokens = network.weights.draft.row_tokens;
  const std::uint32_t begin = task * kSearchTiles,
                      count = std::min(kSearchTiles, tiles_.count() - begin),
                      rows = count * kTileRows;
  const std::span<float> logits = worker.logits.first(rows);
  for (std::uint32_t i = 0, run = 1; i < count; i += run, run = 1) {
    const std::uint32_t first = tiles_[begin + i];
    while (i + run < count && tiles_[begin + i + run] == first + run) ++run;
    multiply_tiles(network, suppressed_rows, hidden, first,
                   logits.subspan(std::size_t{i} * kTileRows, std::size_t{run} * kTileRows));
  }
  float maximum = kLeftOut;
  for (std::uint32_t i = 0; i < rows; i += kTileRows) {
    const std::uint32_t first = tiles_[begin + i / kTileRows] * kTileRows;
    for (std::uint32_t r = 0; r < kTileRows; ++r) {
      const float logit = logits[i + r];
      if (!(logit > kLeftOut)) continue;  // left out, or not a number
      maximum = std::max(maximum, logit);
      if (!worker.best.wants(logit)) continue;
      const std::uint32_t row = first + r;
      worker.best.offer({logit, static_cast<Token>(row_tokens.empty() ? row : row_tokens[row])});
    }
  }
  maximum_[task] = maximum;
  for (float& logit : logits) logit = maximum > kLeftOut ? logit - maximum : kLeftOut;
  network.kernels.exponential(logits.data(), rows, logits.data());
  sum_[task] = sum_in_lanes(rows, [&](std::uint32_t i) { return logits[i]; });
}

/// Task after task in ascending order, whoever computed them.
void HeadSearch::conclude(const Kernels& kernels) {
  for (const Worker& worker : workers_) best_.offer(worker.best);
  const std::uint32_t count = tasks_of(tiles_.count());
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
  tiles_.choose(network, hidden, pool, cancel);
  if (cancelled()) return false;
  best_.begin(choices);
  for (Worker& worker : workers_) worker.best.begin(choices);
  pool.run(tasks_of(tiles_.count()),
           std::uint64_t{tiles_.count()} * kTileRows * network.head().columns, cancel,
           [&](std::uint32_t task, std::uint32_t worker) {
             search(network, suppressed_rows, hidden, task, workers_[worker]);
           });
  if (cancelled()) return false;
  conclude(network.kernels);
  return true;
}

}  // namespace gemma4
