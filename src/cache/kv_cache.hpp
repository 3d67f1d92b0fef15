// The KV cache of one session: rings for sliding layers, growing tables for full layers, made of
// pages that sessions of a model can share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cache/kv_row.hpp"
#include "cache/page_pool.hpp"
#include "gemma4/memory.hpp"
#include "weights/model_config.hpp"

namespace gemma4 {

/// Positions that can be taken back (rejected drafts, small rewinds) without losing a window.
constexpr std::uint32_t kRollback = 64;

/// The pages that hold the rows of kChunk positions in one type: one kind for all full layers
/// together and one for all sliding layers.
struct KvPages {
  KvPages(const ModelConfig& config, KvType type, const AllocatorPtr& allocator = nullptr);
  PagePool full, sliding;
};

/// What a page holds besides its place: the rows of one chunk, of full or of sliding layers.
struct KvChunkPages {
  PageRef full, sliding;
};

/// Per layer and KV head the rows of kChunk consecutive positions lie together
/// (kernels/kv_rows.hpp), chunk borders being absolute positions: what attention takes at once is
/// always in one piece. What a row is says KvRow; where it lives is said here. Full layers have a
/// page for every chunk; sliding layers keep as many as hold the window, one batch of new tokens
/// and kRollback positions to go back.
///
/// Pages can be shared with other caches of the same KvPages, whatever their contexts and batches.
/// open() makes what will be written this cache's own, so nobody sees another's rows change.
class KvCache {
 public:
  /// Bytes for `context` positions: what the constructor reserves.
  static std::uint64_t bytes(const ModelConfig& config, KvType type, std::uint32_t context,
                             std::uint32_t batch);

  /// `pages`: of the same model and type; null: its own.
  KvCache(const ModelConfig& config, KvType type, std::uint32_t context, std::uint32_t batch,
          std::shared_ptr<KvPages> pages = nullptr);
  ~KvCache();
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  KvType type() const { return type_; }
  const std::shared_ptr<KvPages>& all_pages() const { return pages_; }

  /// Makes positions begin ... end - 1 (end <= context) ready to be written: they have pages that
  /// nobody else has. What a sliding layer loses by it is gone. Does not allocate.
  void open(std::uint32_t begin, std::uint32_t end) noexcept {
    open_full(begin, end);
    open_sliding(begin, end);
  }
  void open_full(std::uint32_t begin, std::uint32_t end) noexcept;
  void open_sliding(std::uint32_t begin, std::uint32_t end) noexcept;

  /// What the layer's rows hold.
  const KvRow& row(std::size_t layer) const { return layers_[layer].row; }

  /// The chunk that holds the key rows of `position`: row position % kChunk is its own.
  std::byte* keys(std::size_t layer, std::uint32_t head, std::uint32_t position) {
    return rows(layer, head, position, 0);
  }
  const std::byte* keys(std::size_t layer, std::uint32_t head, std::uint32_t position) const {
    return rows(layer, head, position, 0);
  }

  /// The same for values: the same chunk where rows are shared.
  std::byte* values(std::size_t layer, std::uint32_t head, std::uint32_t position) {
    return rows(layer, head, position, layers_[layer].row.rows() - 1);
  }
  const std::byte* values(std::size_t layer, std::uint32_t head, std::uint32_t position) const {
    return rows(layer, head, position, layers_[layer].row.rows() - 1);
  }

  /// Whether evaluation can go on at `position`, given that everything before it was evaluated
  /// once: the window before it is still whole.
  bool can_resume_at(std::uint32_t position) const;

  /// The first position of the chunks that sliding layers still hold without a gap before `end`.
  std::uint32_t oldest_kept(std::uint32_t end) const;

  /// Forgets everything.
  void reset() noexcept;

  /// The pages of one chunk as they are, to be kept or given to another cache; an empty PageRef for
  /// what this cache does not have.
  KvChunkPages pages(std::uint32_t chunk) const;
  /// Takes pages that hold the chunk's rows, in place of its own. Where they are empty it has none.
  void adopt(std::uint32_t chunk, const KvChunkPages& pages) noexcept;

  /// Bytes of a page as it is, of the full or the sliding layers: row formats are nobody else's
  /// business. The chunk's page is there.
  std::span<std::byte> page(std::uint32_t chunk, bool sliding) {
    return {sliding ? slot(chunk).page.data() : full_[chunk].data(), page_bytes(sliding)};
  }
  std::uint64_t page_bytes(bool sliding) const {
    return (sliding ? pages_->sliding : pages_->full).page_bytes();
  }

 private:
  struct Layer {
    KvRow row;
    bool sliding;
    std::uint32_t kv_heads;
    std::uint64_t offset;  // in its page: [row.rows()][kv_heads][chunk of rows]
  };
  struct Slot {
    std::uint32_t chunk = 0;  // whose rows the page holds
    PageRef page;
  };

  static std::uint32_t ring_chunks(const ModelConfig& config, std::uint32_t context,
                                   std::uint32_t batch);
  std::byte* rows(std::size_t layer, std::uint32_t head, std::uint32_t position,
                  std::uint32_t plane) const;
  Slot& slot(std::uint32_t chunk) { return ring_[chunk % ring_.size()]; }
  const Slot& slot(std::uint32_t chunk) const { return ring_[chunk % ring_.size()]; }
  bool holds(std::uint32_t chunk) const { return slot(chunk).page && slot(chunk).chunk == chunk; }

  KvType type_;
  std::uint32_t window_;
  std::vector<Layer> layers_;
  std::shared_ptr<KvPages> pages_;
  std::vector<PageRef> full_;  // [chunk]
  std::vector<Slot> ring_;     // [chunk % size]
};

}  // namespace gemma4
