// Rows of prompts that sessions of a model have evaluated, for those that begin alike.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>

#include "cache/kv_cache.hpp"
#include "gemma4/prefix.hpp"
#include "gemma4/tokenizer.hpp"

namespace gemma4 {

/// A tree of chunks of tokens with their pages, found by a chain of hashes and compared token by
/// token. Every chunk has its page of full layers. Sliding layers have theirs only before chosen
/// ends, where evaluation can go on: every kResumeEvery positions, the end of the first turn, and
/// wherever a prompt or an answer ended. What was not used for the longest time gives way; no chunk
/// before one that follows it. Any thread may call anything.
class PrefixCache {
 public:
  static constexpr std::uint32_t kResumeEvery = 1024;

  PrefixCache(std::uint32_t window, std::uint64_t budget_bytes)
      : window_(window), budget_bytes_(budget_bytes) {}
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// Finds the longest beginning of `tokens`, but for at least the last one, that is longer than
  /// `evaluated` and that evaluation can go on after; gives its pages to `cache`, which holds rows
  /// of the first `evaluated` tokens. Returns its length, or `evaluated`.
  std::uint32_t reuse(std::span<const Token> tokens, std::uint32_t evaluated, KvCache& cache);

  /// The ends that evaluation may want to go on after, besides every kResumeEvery; 0: none.
  struct Ends {
    std::uint32_t first_turn = 0, last = 0;
  };

  /// Takes a share in the pages of all whole chunks of `tokens`, whose rows are in `cache`. `pages`
  /// are the cache's. Without effect where memory is short.
  void keep(std::span<const Token> tokens, const Ends& ends, const KvCache& cache,
            const std::shared_ptr<KvPages>& pages) noexcept;

  PrefixStatistics statistics() const;

 private:
  struct Node {
    std::uint64_t hash;
    Node* before;  // the chunk before; null: none
    KvType type;
    std::array<Token, kChunk> tokens;
    KvChunkPages pages;
    std::uint64_t bytes;
    std::uint64_t used;  // the call that used it last
    std::list<Node*>::iterator place;
  };
  using Chunk = std::span<const Token, kChunk>;
  /// Pages that may be held. Either kind alone may fill the budget. What the system gives takes no
  /// memory before it is written, so both are reserved at once; of a host's allocator, which
  /// counts, every page as it is kept.
  struct Reservation {
    std::shared_ptr<KvPages> pages;
    std::uint64_t full, sliding;
  };

  static std::uint64_t hash_of(const Node* before, KvType type, Chunk chunk);
  Node* find(const Node* before, KvType type, Chunk chunk);
  void keep_all(std::span<const Token> tokens, const Ends& ends, const KvCache& cache,
                const std::shared_ptr<KvPages>& pages);
  Node* add(Node* before, KvType type, Chunk chunk);
  Reservation& reservation_for(const std::shared_ptr<KvPages>& pages, KvType type);
  void evict(Node* node);
  bool make_room(std::uint64_t bytes);
  void give_pages(Node& node, const KvChunkPages& pages, Reservation& reservation);
  void touch_back(Node* last);
  bool wanted(std::uint32_t chunk, std::uint32_t chunks, const Ends& ends) const;
  std::uint32_t oldest_chunk(std::uint32_t end) const {
    return (end >= window_ ? end - window_ + 1 : 0) / kChunk;
  }

  const std::uint32_t window_;
  const std::uint64_t budget_bytes_;
  mutable std::mutex mutex_;
  std::map<KvType, Reservation> reserved_;
  std::unordered_map<std::uint64_t, Node> nodes_;  // [hash]
  std::list<Node*> order_;                         // the latest used first
  std::uint64_t call_ = 0;
  PrefixStatistics statistics_;
};

}  // namespace gemma4
