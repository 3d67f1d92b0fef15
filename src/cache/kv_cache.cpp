#include "cache/kv_cache.hpp"

#include <algorithm>

#include "base/checked.hpp"

namespace gemma4 {
namespace {

std::uint64_t element_bytes(KvType type) { return type == KvType::f32 ? 4 : 2; }

/// Keys and values of one position in one layer.
std::uint64_t position_bytes(const LayerConfig& layer, KvType type) {
  return 2 * std::uint64_t{layer.kv_heads} * layer.head_size * element_bytes(type);
}

}  // namespace

/// A batch's first row sees window - 1 positions before it and its last row is batch - 1 positions
/// on; both ends may stand inside a chunk, hence one chunk more. A context that never reaches that
/// far needs no ring.
std::uint32_t KvCache::ring_positions(const ModelConfig& config, std::uint32_t context,
                                      std::uint32_t batch) {
  const std::uint64_t needed = std::uint64_t{config.window} + batch + kRollback;
  return static_cast<std::uint32_t>(
      std::min(round_up(needed, kChunk) + kChunk, round_up(context, kChunk)));
}

std::uint64_t KvCache::bytes(const ModelConfig& config, KvType type, std::uint32_t context,
                             std::uint32_t batch) {
  std::uint64_t total = 0;
  for (const LayerConfig& layer : config.layers) {
    const std::uint64_t positions =
        layer.sliding ? ring_positions(config, context, batch) : round_up(context, kPagePositions);
    total += positions * position_bytes(layer, type);
  }
  return total;
}

KvCache::KvCache(const ModelConfig& config, KvType type, std::uint32_t context, std::uint32_t batch)
    : type_(type), window_(config.window), ring_positions_(ring_positions(config, context, batch)) {
  memory_ = Buffer(bytes(config, type, context, batch));
  for (const LayerConfig& shape : config.layers) {
    Layer layer{shape.sliding,   shape.kv_heads,
                shape.head_size, shape.head_size * element_bytes(type),
                nullptr,         {}};
    if (shape.sliding) {
      layer.ring = memory_.data() + next_page_;
      next_page_ += ring_positions_ * position_bytes(shape, type);
    } else {
      layer.pages.reserve(divide_up(context, kPagePositions));
    }
    layers_.push_back(std::move(layer));
  }
}

void KvCache::grow(std::uint32_t end) {
  const std::size_t pages = divide_up(end, kPagePositions);
  for (Layer& layer : layers_) {
    if (layer.sliding) continue;
    while (layer.pages.size() < pages) {
      layer.pages.push_back(memory_.data() + next_page_);
      next_page_ += 2 * layer.kv_heads * kPagePositions * layer.row_bytes;
    }
  }
}

std::byte* KvCache::row(std::size_t index, std::uint32_t head, std::uint32_t position,
                        std::uint32_t values) {
  const Layer& layer = layers_[index];
  const std::uint64_t plane = std::uint64_t{values} * layer.kv_heads + head;
  if (layer.sliding)
    return layer.ring + (plane * ring_positions_ + position % ring_positions_) * layer.row_bytes;
  return layer.pages[position / kPagePositions] +
         (plane * kPagePositions + position % kPagePositions) * layer.row_bytes;
}

bool KvCache::can_resume_at(std::uint32_t position) const {
  if (high_water_ <= ring_positions_) return true;
  const std::uint32_t oldest_needed = position >= window_ ? position - window_ + 1 : 0;
  return high_water_ - ring_positions_ <= oldest_needed;  // what is older has been overwritten
}

}  // namespace gemma4
