// The memory one session computes in: planned, taken once, cut into arrays.
#pragma once

#include <cstdint>
#include <span>

#include "base/buffer.hpp"
#include "kernels/kernels.hpp"
#include "weights/model_config.hpp"

namespace gemma4 {

/// Rows whose logits are computed in one pass over the head.
constexpr std::uint32_t kLogitRows = 8;

/// Query vectors that one attention task takes at most.
constexpr std::uint32_t kQueryRows = 32;

/// Up to this many rows (Workspace::split_rows) the KV range of a full layer is split over threads
/// by segments; above, rows give work enough.
constexpr std::uint32_t kSplitRows = 8;

struct WorkspaceShape {
  std::uint32_t batch = 0;    ///< rows evaluated at once
  std::uint32_t context = 0;  ///< positions
  std::uint32_t threads = 0;
  std::uint32_t logit_rows = kLogitRows;  ///< rows whose logits are kept at once; 0: none
  std::uint32_t split_rows = kSplitRows;  ///< up to kSplitRows
};

/// Scratch of one worker.
struct WorkerScratch {
  std::span<float> scores;        // [kQueryRows][kChunk]
  std::span<float> widened;       // [attention_scratch(head size, kQueryRows)]
  AttentionState total, segment;  // kQueryRows rows
  std::span<float> up;            // [batch][16 * kPairTiles]
};

/// Tiles of the gate and up matrices that one task multiplies before it applies the activation
/// function.
constexpr std::uint32_t kPairTiles = 8;

struct Workspace {
  Workspace(const ModelConfig& config, const WorkspaceShape& shape,
            AllocatorPtr allocator = nullptr);
  static std::uint64_t bytes(const ModelConfig& config, const WorkspaceShape& shape);
  std::uint64_t size_bytes() const { return memory_.size_bytes(); }

  std::span<float> residual;           // [batch][hidden]
  std::span<float> projected;          // [batch][hidden]: what a block gives back before its norm
  std::span<float> query, key, value;  // [batch][heads * head size], as projected
  std::span<float>
      rotated;  // queries ready for attention: [kv heads][batch][heads per kv head][head size]
  std::span<float> cosine[2], sine[2];  // [full, sliding][batch][pairs]
  Activations normed;                   // [batch][hidden]
  Activations wide;  // [batch][largest of query size and feed-forward]; columns are set at use
  std::span<float> attended, gated;  // the values of `wide`, as `rotated`: attention output,
                                     // feed-forward activations
  AttentionState split;              // [segments][split_rows * query heads]
  std::uint32_t split_rows = 0;
  std::span<float> logits;  // [logit_rows][vocabulary rounded up to tiles]
  std::span<float> hidden;  // [logit_rows][hidden]: what the head was given
  std::span<WorkerScratch> workers;

  /// `wide` with these values.
  Activations wide_with(std::span<float> values, std::uint32_t columns) const {
    Activations a = wide;
    a.columns = columns;
    a.values = values.data();
    return a;
  }

  /// The queries that are ready for attention, each a row; their integer form is there if the keys
  /// want it, until attention is over.
  Activations queries(std::uint32_t head_size) const { return wide_with(rotated, head_size); }

 private:
  Workspace() = default;
  void carve(Carver& carver, const ModelConfig& config, const WorkspaceShape& shape);
  Buffer memory_;
};

}  // namespace gemma4
