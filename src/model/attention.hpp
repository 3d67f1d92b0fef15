// The attention of one layer over the KV cache, cut into tasks.
#pragma once

#include <atomic>

#include "cache/kv_cache.hpp"
#include "model/network.hpp"
#include "model/workspace.hpp"
#include "parallel/worker_pool.hpp"

namespace gemma4 {

/// `rows` query rows at positions first ... first + rows - 1, whose K and V are in the cache
/// already. Reads work.rotated, writes work.attended [rows][query heads * head size]. How the work
/// is cut never shows in the result.
void attend_layer(const Network& network, std::size_t layer, const KvCache& cache,
                  std::uint32_t first, std::uint32_t rows, Workspace& work, WorkerPool& pool,
                  const std::atomic<bool>* cancel);

}  // namespace gemma4
