#include "cache/kv_cache.hpp"

#include "base/checked.hpp"

namespace gemma4 {
namespace {

/// Keys and values of one chunk in one layer.
std::uint64_t layer_bytes(const KvRow& row, std::uint32_t kv_heads) {
  return row.rows() * kv_heads * row.bytes();
}

/// One chunk of all full or all sliding layers.
std::uint64_t page_size(const ModelConfig& config, KvType type, bool sliding) {
  std::uint64_t total = 0;
  for (const LayerConfig& layer : config.layers) {
    if (layer.sliding == sliding) total += layer_bytes(KvRow(type, layer), layer.kv_heads);
  }
  return total;
}

}  // namespace

KvPages::KvPages(const ModelConfig& config, KvType type, const AllocatorPtr& allocator)
    : full(page_size(config, type, false), allocator),
      sliding(page_size(config, type, true), allocator) {}

/// A batch's first row sees window - 1 positions before it and its last row is batch - 1 positions
/// on; both ends may stand inside a chunk, hence one chunk more. A context that never reaches that
/// far needs no ring.
std::uint32_t KvCache::ring_chunks(const ModelConfig& config, std::uint32_t context,
                                   std::uint32_t batch) {
  const std::uint64_t needed = std::uint64_t{config.window} + batch + kRollback;
  return static_cast<std::uint32_t>(
      std::min(divide_up(needed, kChunk) + 1, divide_up(context, kChunk)));
}

std::uint64_t KvCache::bytes(const ModelConfig& config, KvType type, std::uint32_t context,
                             std::uint32_t batch) {
  return divide_up(context, kChunk) * page_size(config, type, false) +
         ring_chunks(config, context, batch) * page_size(config, type, true);
}

KvCache::KvCache(const ModelConfig& config, KvType type, std::uint32_t context, std::uint32_t batch,
                 std::shared_ptr<KvPages> pages)
    : type_(type),
      window_(config.window),
      pages_(pages != nullptr ? std::move(pages) : std::make_shared<KvPages>(config, type)),
      full_(divide_up(context, kChunk)),
      ring_(ring_chunks(config, context, batch)) {
  std::uint64_t used[2] = {0, 0};
  for (const LayerConfig& layer : config.layers) {
    const KvRow row(type, layer);
    layers_.push_back({row, layer.sliding, layer.kv_heads, used[layer.sliding]});
    used[layer.sliding] += layer_bytes(row, layer.kv_heads);
  }
  pages_->full.reserve(full_.size());
  try {
    pages_->sliding.reserve(ring_.size());
  } catch (...) {
    pages_->full.cancel(full_.size());
    throw;
  }
}

KvCache::~KvCache() {
  reset();
  pages_->full.cancel(full_.size());
  pages_->sliding.cancel(ring_.size());
}

void KvCache::open_full(std::uint32_t begin, std::uint32_t end) noexcept {
  for (std::uint32_t chunk = begin / kChunk; chunk < divide_up(end, kChunk); ++chunk) {
    PageRef& page = full_[chunk];
    if (page)
      pages_->full.make_own(page);
    else
      page = pages_->full.take();
  }
}

void KvCache::open_sliding(std::uint32_t begin, std::uint32_t end) noexcept {
  for (std::uint32_t chunk = begin / kChunk; chunk < divide_up(end, kChunk); ++chunk) {
    Slot& kept = slot(chunk);
    if (holds(chunk)) {
      pages_->sliding.make_own(kept.page);
      continue;
    }
    if (kept.page && kept.page.shared()) kept.page.reset();  // another's rows; nobody wants a copy
    if (!kept.page) kept.page = pages_->sliding.take();
    kept.chunk = chunk;
  }
}

std::byte* KvCache::rows(std::size_t index, std::uint32_t head, std::uint32_t position,
                         std::uint32_t plane) const {
  const Layer& layer = layers_[index];
  const std::uint32_t chunk = position / kChunk;
  std::byte* page = layer.sliding ? slot(chunk).page.data() : full_[chunk].data();
  return page + layer.offset + (plane * layer.kv_heads + head) * layer.row.bytes();
}

bool KvCache::can_resume_at(std::uint32_t position) const {
  const std::uint32_t oldest = position >= window_ ? position - window_ + 1 : 0;
  return oldest >= position || oldest_kept(position) <= oldest;
}

std::uint32_t KvCache::oldest_kept(std::uint32_t end) const {
  std::uint32_t chunk = static_cast<std::uint32_t>(divide_up(end, kChunk));
  while (chunk > 0 && holds(chunk - 1)) --chunk;
  return std::min(chunk * kChunk, end);
}

void KvCache::reset() noexcept {
  for (PageRef& page : full_) page.reset();
  for (Slot& kept : ring_) kept.page.reset();
}

KvChunkPages KvCache::pages(std::uint32_t chunk) const {
  return {full_[chunk], holds(chunk) ? slot(chunk).page : PageRef()};
}

void KvCache::adopt(std::uint32_t chunk, const KvChunkPages& pages) noexcept {
  full_[chunk] = pages.full;
  if (pages.sliding)
    slot(chunk) = {chunk, pages.sliding};
  else if (holds(chunk))
    slot(chunk).page.reset();
}

}  // namespace gemma4
