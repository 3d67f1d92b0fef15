// The KV cache of one session: rings for sliding layers, growing pages for full layers.
#pragma once

#include <cstdint>
#include <vector>

#include "base/buffer.hpp"
#include "cache/kv_row.hpp"
#include "gemma4/memory.hpp"
#include "weights/model_config.hpp"

namespace gemma4 {

/// Positions of a full layer that are stored together.
constexpr std::uint32_t kPagePositions = 256;

/// Positions that can be taken back (rejected drafts, small rewinds) without losing a window.
constexpr std::uint32_t kRollback = 64;

/// Per layer and KV head the rows of kChunk consecutive positions lie together
/// (kernels/kv_rows.hpp), chunk borders being absolute positions: what attention takes at once is
/// always in one piece. What a row is says KvRow; where it lives is said here. Rows of full layers
/// live in pages that are handed out as the context grows; rows of sliding layers in a ring of
/// whole chunks that holds the window, one batch of new tokens and kRollback positions to go back.
class KvCache {
 public:
  /// Bytes for `context` positions; what the constructor takes.
  static std::uint64_t bytes(const ModelConfig& config, KvType type, std::uint32_t context,
                             std::uint32_t batch);

  KvCache(const ModelConfig& config, KvType type, std::uint32_t context, std::uint32_t batch);

  KvType type() const { return type_; }

  /// Makes room for positions below `end` (<= context). Call before writing them.
  void grow(std::uint32_t end);

  /// What the layer's rows hold.
  const KvRow& row(std::size_t layer) const { return layers_[layer].row; }

  /// The chunk that holds the key rows of `position`: row position % kChunk is its own.
  std::byte* keys(std::size_t layer, std::uint32_t head, std::uint32_t position) {
    return chunk(layer, head, position, 0);
  }
  const std::byte* keys(std::size_t layer, std::uint32_t head, std::uint32_t position) const {
    return chunk(layer, head, position, 0);
  }

  /// The same for values: the same chunk where rows are shared.
  std::byte* values(std::size_t layer, std::uint32_t head, std::uint32_t position) {
    return chunk(layer, head, position, layers_[layer].row.rows() - 1);
  }
  const std::byte* values(std::size_t layer, std::uint32_t head, std::uint32_t position) const {
    return chunk(layer, head, position, layers_[layer].row.rows() - 1);
  }

  /// Whether the window before `position` is still whole, so that evaluation can go on there.
  /// `written`: the highest end of positions ever written since the last reset.
  bool can_resume_at(std::uint32_t position) const;

  /// Positions below `end` hold rows now.
  void written(std::uint32_t end) { high_water_ = end > high_water_ ? end : high_water_; }

  /// Forgets everything; memory stays.
  void reset() { high_water_ = 0; }

 private:
  struct Layer {
    KvRow row;
    bool sliding;
    std::uint32_t kv_heads;
    std::byte* ring = nullptr;      // sliding: [rows][kv_heads][chunks of the ring]
    std::vector<std::byte*> pages;  // full: each [rows][kv_heads][chunks of a page]
  };

  static std::uint32_t ring_positions(const ModelConfig& config, std::uint32_t context,
                                      std::uint32_t batch);
  std::byte* chunk(std::size_t layer, std::uint32_t head, std::uint32_t position,
                   std::uint32_t row) const;

  KvType type_;
  std::uint32_t window_, ring_positions_;
  std::uint32_t high_water_ = 0;
  std::vector<Layer> layers_;
  Buffer memory_;
  std::uint64_t next_page_ = 0;  // offset in memory_ of the next unused page
};

}  // namespace gemma4
