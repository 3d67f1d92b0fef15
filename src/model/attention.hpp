// The attention of one layer over the KV cache, cut into tasks.
#pragma once

#include <atomic>

#include "cache/kv_cache.hpp"
#include "model/network.hpp"
#include "model/workspace.hpp"
#include "parallel/worker_pool.hpp"

namespace gemma4 {

/// Which keys the query rows of a layer see.
enum class Keys {
  with_own,  ///< those up to the row's own position, which is in the cache already
  before,    ///< those before it: the row has no keys of its own
};

/// `rows` query rows at positions first ... first + rows - 1 of `layer` of a network. Their keys
/// and values are those of the cache's layer `source`, which has the same heads. With Keys::before
/// there is at least one position to see. In the workspace they are the rows from `begin` on of a
/// batch of `batch`, whose other rows are of other caches.
struct AttentionJob {
  const Network& network;
  std::size_t layer, source;
  const KvCache& cache;
  std::uint32_t first, rows;
  Keys keys;
  std::uint32_t begin, batch;
};

/// Reads work.rotated, writes work.attended [batch][query heads * head size]. How the work is cut
/// never shows in the result.
void attend(const AttentionJob& job, Workspace& work, WorkerPool& pool,
            const std::atomic<bool>* cancel);

/// The network's own layer, over its own keys and values.
inline void attend_layer(const Network& network, std::size_t layer, const KvCache& cache,
                         std::uint32_t first, std::uint32_t rows, Workspace& work, WorkerPool& pool,
                         const std::atomic<bool>* cancel) {
  attend({network, layer, layer, cache, first, rows, Keys::with_own, 0, rows}, work, pool, cancel);
}

}  // namespace gemma4
