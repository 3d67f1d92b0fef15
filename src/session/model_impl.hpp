// What a Model handle points to.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "cache/kv_cache.hpp"
#include "cache/prefix_cache.hpp"
#include "gemma4/model.hpp"
#include "model/assistant.hpp"
#include "model/network.hpp"
#include "model/workspace.hpp"
#include "parallel/worker_pool.hpp"
#include "text/chat_format.hpp"
#include "text/tokenizer.hpp"

namespace gemma4 {

class Model::Impl {
 public:
  Impl(const std::string& path, const LoadOptions& options);

  AllocatorPtr allocator;  ///< null: the operating system's memory
  ModelInfo info;
  Tokenizer tokenizer;
  ChatStyle chat_style;
  std::uint64_t weights_bytes = 0, assistant_bytes = 0;
  std::unique_ptr<WorkerPool> pool;
  std::unique_ptr<const Network> network;
  std::unique_ptr<const AssistantNetwork> assistant;  ///< null: none was asked for

  std::unique_ptr<PrefixCache> prefixes;  ///< null: none was asked for
  std::uint64_t prefix_cache_bytes = 0;
  std::uint64_t fingerprint = 0;  ///< OpenedFile::fingerprint

  MemoryPlan plan(const SessionOptions& settled_options) const;

  /// Where sessions with such rows keep them, so that they can share them.
  std::shared_ptr<KvPages> pages(KvType type) const;

 private:
  mutable std::mutex pages_mutex_;
  mutable std::map<KvType, std::shared_ptr<KvPages>> pages_;
};

/// Session options with their defaults filled in, for a model with or without an assistant. Throws
/// Error(invalid_argument) naming option, expected and found.
SessionOptions settled(const SessionOptions& options, const ModelConfig& config,
                       bool has_assistant);

WorkspaceShape workspace_shape(const SessionOptions& settled_options, int threads);

AssistantShape assistant_shape(const SessionOptions& settled_options, int threads);

}  // namespace gemma4
