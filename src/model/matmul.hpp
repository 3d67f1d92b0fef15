// Matrix products cut into tasks.
#pragma once

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <span>

#include "base/checked.hpp"
#include "kernels/kernels.hpp"
#include "parallel/worker_pool.hpp"
#include "weights/weights.hpp"

namespace gemma4 {

/// A product to compute: out[c * matrix rows + r].
struct Product {
  const Matrix& matrix;
  float* out;
};

/// Weights that a task reads at most: long runs stream best, and a cancel shall not wait long.
constexpr std::uint64_t kTaskBytes = 512u << 10;

/// Tiles of a matrix that make one task of a product with `count` columns that `threads` share:
/// every one of several shall find some tasks, and many columns make a tile work enough. Even where
/// it can be, as the kernels take two tiles side by side.
inline std::uint32_t tiles_per_task(const Matrix& matrix, int threads, std::uint32_t count) {
  const std::uint64_t parts = threads == 1 ? 1 : 8 * static_cast<std::uint64_t>(threads),
                      share = matrix.tiles() / parts;
  const std::uint64_t weight = std::max(1u, count / 8);
  const std::uint64_t most =
      kTaskBytes / (std::max<std::uint64_t>(1, tile_bytes(matrix.format, matrix.columns)) * weight);
  const std::uint64_t tiles = std::max<std::uint64_t>(1, std::min(share, most));
  return static_cast<std::uint32_t>(tiles == 1 ? 1 : tiles & ~std::uint64_t{1});
}

/// Work, for WorkerPool::run, of norms, rotations and quantisation of `numbers` numbers.
constexpr std::uint64_t elementwise(std::uint64_t numbers) { return 32 * numbers; }

/// Several matrices times the same activations, as one job. Each out row has the matrix's rows
/// rounded up to whole tiles.
inline void multiply(const Kernels& kernels, WorkerPool& pool, const std::atomic<bool>* cancel,
                     std::initializer_list<Product> products, const Activations& a,
                     std::uint32_t count) {
  std::uint32_t tasks = 0;
  std::uint64_t work = 0;
  for (const Product& p : products) work += std::uint64_t{p.matrix.rows} * p.matrix.columns * count;
  const int threads = pool.sharers(work);
  for (const Product& p : products)
    tasks += static_cast<std::uint32_t>(
        divide_up(p.matrix.tiles(), tiles_per_task(p.matrix, threads, count)));
  pool.run(tasks, work, cancel, [&](std::uint32_t task, std::uint32_t) {
    for (const Product& p : products) {
      const std::uint32_t step = tiles_per_task(p.matrix, threads, count),
                          own = static_cast<std::uint32_t>(divide_up(p.matrix.tiles(), step));
      if (task >= own) {
        task -= own;
        continue;
      }
      const std::uint32_t tile = task * step, tiles = std::min(step, p.matrix.tiles() - tile);
      kernels.matmul(p.matrix.format,
                     p.matrix.data + tile * tile_bytes(p.matrix.format, p.matrix.columns), tiles, a,
                     count, p.out + std::uint64_t{tile} * kTileRows,
                     std::uint64_t{p.matrix.tiles()} * kTileRows);
      return;
    }
  });
}

}  // namespace gemma4
