#include "cache/kv_cache.hpp"

#include <algorithm>

#include "base/checked.hpp"

namespace gemma4 {
namespace {

/// Keys and values of `positions` positions, whole chunks, in one layer.
std::uint64_t layer_bytes(const KvRow& row, std::uint32_t kv_heads, std::uint64_t positions) {
  return positions / kChunk * row.rows() * kv_heads * row.bytes();
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
    total += layer_bytes(KvRow(type, layer), layer.kv_heads, positions);
  }
  return total;
}

KvCache::KvCache(const ModelConfig& config, KvType type, std::uint32_t context, std::uint32_t batch)
    : type_(type), window_(config.window), ring_positions_(ring_positions(config, context, batch)) {
  memory_ = Buffer(bytes(config, type, context, batch));
  for (const LayerConfig& shape : config.layers) {
    Layer layer{KvRow(type, shape), shape.sliding, shape.kv_heads, nullptr, {}};
    if (shape.sliding) {
      layer.ring = memory_.data() + next_page_;
      next_page_ += layer_bytes(layer.row, layer.kv_heads, ring_positions_);
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
      next_page_ += layer_bytes(layer.row, layer.kv_heads, kPagePositions);
    }
  }
}

std::byte* KvCache::chunk(std::size_t index, std::uint32_t head, std::uint32_t position,
                          std::uint32_t row) const {
  const Layer& layer = layers_[index];
  const std::uint32_t positions = layer.sliding ? ring_positions_ : kPagePositions;
  std::byte* home = layer.sliding ? layer.ring : layer.pages[position / kPagePositions];
  const std::uint64_t plane = std::uint64_t{row} * layer.kv_heads + head;
  return home + (plane * (positions / kChunk) + position % positions / kChunk) * layer.row.bytes();
}

bool KvCache::can_resume_at(std::uint32_t position) const {
  if (high_water_ <= ring_positions_) return true;
  const std::uint32_t oldest_needed = position >= window_ ? position - window_ + 1 : 0;
  return high_water_ - ring_positions_ <= oldest_needed;  // what is older has been overwritten
}

}  // namespace gemma4
