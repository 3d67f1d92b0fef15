#include "cache/prefix_cache.hpp"

#include <xxhash.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/error.hpp"

namespace gemma4 {
namespace {

std::span<const Token, kChunk> chunk_of(std::span<const Token> tokens, std::uint32_t chunk) {
  return tokens.subspan(std::size_t{chunk} * kChunk).first<kChunk>();
}

}  // namespace

PrefixCache::~PrefixCache() {
  nodes_.clear();
  for (const auto& [type, reservation] : reserved_) {
    reservation.pages->full.cancel(reservation.full);
    reservation.pages->sliding.cancel(reservation.sliding);
  }
}

/// The chain: a chunk's hash is seeded with that of the chunk before.
std::uint64_t PrefixCache::hash_of(const Node* before, KvType type, Chunk chunk) {
  const std::uint64_t seed = before != nullptr ? before->hash : static_cast<std::uint64_t>(type);
  return XXH3_64bits_withSeed(chunk.data(), chunk.size_bytes(), seed);
}

/// Equal hashes are not trusted: a node stands for its own tokens after its own chain.
PrefixCache::Node* PrefixCache::find(const Node* before, KvType type, Chunk chunk) {
  const auto found = nodes_.find(hash_of(before, type, chunk));
  if (found == nodes_.end()) return nullptr;
  Node& node = found->second;
  const bool same = node.before == before && node.type == type &&
                    std::equal(chunk.begin(), chunk.end(), node.tokens.begin());
  return same ? &node : nullptr;
}

/// The chunks of a chain from its last one to its first, so that none is older than what follows.
void PrefixCache::touch_back(Node* last) {
  for (Node* node = last; node != nullptr; node = node->before) {
    node->used = call_;
    order_.splice(order_.begin(), order_, node->place);
  }
}

std::uint32_t PrefixCache::reuse(std::span<const Token> tokens, std::uint32_t evaluated,
                                 KvCache& cache) {
  if (tokens.size() < evaluated + std::size_t{kChunk} + 1) return evaluated;
  const std::lock_guard<std::mutex> lock(mutex_);
  ++call_;
  ++statistics_.lookups;
  const auto most = static_cast<std::uint32_t>((tokens.size() - 1) / kChunk);
  Node *last = nullptr, *best = nullptr;
  std::uint32_t end = 0, windowed_from = 0;  // chunks from there on have their sliding pages
  for (std::uint32_t chunk = 0; chunk < most; ++chunk) {
    Node* node = find(last, cache.type(), chunk_of(tokens, chunk));
    if (node == nullptr || !node->pages.full) break;
    last = node;
    if (!node->pages.sliding) windowed_from = chunk + 1;
    if (windowed_from <= oldest_chunk((chunk + 1) * kChunk)) {
      best = node;
      end = chunk + 1;
    }
  }
  touch_back(last);
  if (end * kChunk <= evaluated) return evaluated;
  const std::uint32_t first = evaluated / kChunk, window = oldest_chunk(end * kChunk);
  for (std::uint32_t chunk = end; chunk-- > first; best = best->before)
    cache.adopt(chunk, {best->pages.full, chunk >= window ? best->pages.sliding : PageRef()});
  // of the window, what lies before the tokens that had rows is the cache's own only if it kept it
  for (std::uint32_t chunk = std::min(end, first); chunk-- > window; best = best->before)
    cache.adopt(chunk, best->pages);
  ++statistics_.hits;
  statistics_.reused_tokens += end * kChunk - evaluated;
  return end * kChunk;
}

/// Whether the window before one of the ends reaches into the chunk.
bool PrefixCache::wanted(std::uint32_t chunk, std::uint32_t chunks, const Ends& ends) const {
  const auto needed_for = [&](std::uint32_t end) {
    end = end / kChunk * kChunk;
    return end <= chunks * kChunk && chunk < end / kChunk && chunk >= oldest_chunk(end);
  };
  if (needed_for(ends.first_turn) || needed_for(ends.last)) return true;
  // the same prompt again: its last token is evaluated in any case
  if (ends.last > 0 && needed_for(ends.last - 1)) return true;
  for (std::uint32_t end = (chunk * kChunk / kResumeEvery + 1) * kResumeEvery;
       end <= chunks * kChunk && oldest_chunk(end) <= chunk; end += kResumeEvery) {
    if (needed_for(end)) return true;
  }
  return false;
}

bool PrefixCache::make_room(std::uint64_t bytes) {
  while (statistics_.held_bytes + bytes > budget_bytes_) {
    if (order_.empty() || order_.back()->used == call_) return false;
    evict(order_.back());
  }
  return true;
}

/// Forgets the chunk that was not used for the longest time.
void PrefixCache::evict(Node* node) {
  statistics_.held_bytes -= node->bytes;
  statistics_.held_tokens -= kChunk;
  statistics_.evicted_tokens += kChunk;
  Reservation& reservation = reserved_.at(node->type);
  const bool full = static_cast<bool>(node->pages.full),
             sliding = static_cast<bool>(node->pages.sliding);
  order_.pop_back();
  nodes_.erase(node->hash);
  const auto give_back = [](PagePool& pool, std::uint64_t& reserved) {
    pool.cancel(1);
    --reserved;
  };
  if (!reservation.pages->full.of_host()) return;
  if (full) give_back(reservation.pages->full, reservation.full);
  if (sliding) give_back(reservation.pages->sliding, reservation.sliding);
}

/// A new chunk without pages; null when there is no room, or when its hash is another chunk's.
PrefixCache::Node* PrefixCache::add(Node* before, KvType type, Chunk chunk) {
  if (!make_room(sizeof(Node))) return nullptr;
  const std::uint64_t hash = hash_of(before, type, chunk);
  order_.push_front(nullptr);
  try {
    const auto [at, fresh] = nodes_.try_emplace(
        hash, Node{hash, before, type, {}, {}, sizeof(Node), call_, order_.begin()});
    if (!fresh) {
      order_.pop_front();
      return nullptr;
    }
    Node& node = at->second;
    std::copy(chunk.begin(), chunk.end(), node.tokens.begin());
    order_.front() = &node;
    statistics_.held_bytes += sizeof(Node);
    statistics_.held_tokens += kChunk;
    return &node;
  } catch (...) {
    order_.pop_front();
    throw;
  }
}

/// Adds what the node lacks and there is room for.
void PrefixCache::give_pages(Node& node, const KvChunkPages& pages, Reservation& reservation) {
  const auto give = [&](PageRef& place, const PageRef& page, PagePool& pool,
                        std::uint64_t& reserved) {
    const std::uint64_t bytes = pool.page_bytes();
    if (place || !page || !make_room(bytes)) return;
    if (pool.of_host()) {
      try {
        pool.reserve(1);
      } catch (...) {
        return;  // the host's limit is as good as the budget's
      }
      ++reserved;
    }
    place = page;
    node.bytes += bytes;
    statistics_.held_bytes += bytes;
  };
  give(node.pages.full, pages.full, reservation.pages->full, reservation.full);
  give(node.pages.sliding, pages.sliding, reservation.pages->sliding, reservation.sliding);
}

PrefixCache::Reservation& PrefixCache::reservation_for(const std::shared_ptr<KvPages>& pages,
                                                       KvType type) {
  if (const auto found = reserved_.find(type); found != reserved_.end()) return found->second;
  const auto most = [&](const PagePool& pool) {
    if (pool.of_host()) return std::uint64_t{0};
    return pool.page_bytes() == 0 ? 1 : budget_bytes_ / pool.page_bytes();
  };
  const Reservation wanted{pages, most(pages->full), most(pages->sliding)};
  const auto at = reserved_.emplace(type, wanted).first;
  try {
    pages->full.reserve(wanted.full);
    try {
      pages->sliding.reserve(wanted.sliding);
    } catch (...) {
      pages->full.cancel(wanted.full);
      throw;
    }
  } catch (...) {
    reserved_.erase(at);
    throw;
  }
  return at->second;
}

void PrefixCache::keep(std::span<const Token> tokens, const Ends& ends, const KvCache& cache,
                       const std::shared_ptr<KvPages>& pages) noexcept {
  try {
    keep_all(tokens, ends, cache, pages);
  } catch (const std::bad_alloc&) {  // then it is not kept
  } catch (const Error&) {
  }
}

void PrefixCache::keep_all(std::span<const Token> tokens, const Ends& ends, const KvCache& cache,
                           const std::shared_ptr<KvPages>& pages) {
  const auto chunks = static_cast<std::uint32_t>(tokens.size() / kChunk);
  if (chunks == 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  ++call_;
  Reservation& reservation = reservation_for(pages, cache.type());
  Node* last = nullptr;
  std::uint32_t known = 0;
  for (; known < chunks; ++known) {
    Node* node = find(last, cache.type(), chunk_of(tokens, known));
    if (node == nullptr) break;
    last = node;
  }
  touch_back(last);
  std::vector<Node*> chain(chunks);
  for (std::uint32_t chunk = known; chunk-- > 0; last = last->before) chain[chunk] = last;
  for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
    Node*& node = chain[chunk];
    if (node == nullptr)
      node = add(chunk > 0 ? chain[chunk - 1] : nullptr, cache.type(), chunk_of(tokens, chunk));
    if (node == nullptr) break;
    KvChunkPages have = cache.pages(chunk);
    if (!wanted(chunk, chunks, ends)) have.sliding.reset();
    give_pages(*node, have, reservation);
    if (!node->pages.full) break;  // no room: a chunk without it is of no use to those behind it
  }
  const auto end = std::find(chain.begin(), chain.end(), nullptr);
  if (end != chain.begin()) touch_back(*std::prev(end));
}

PrefixStatistics PrefixCache::statistics() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  PrefixStatistics statistics = statistics_;
  statistics.budget_bytes = budget_bytes_;
  return statistics;
}

}  // namespace gemma4
