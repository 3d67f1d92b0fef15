// A loaded network: everything that is constant while it runs.
#pragma once

#include <memory>

#include "kernels/kernels.hpp"
#include "model/onednn_prefill.hpp"
#include "model/rotary.hpp"
#include "weights/model_config.hpp"
#include "weights/weights.hpp"

namespace gemma4 {

struct Network {
  Network(ModelConfig shapes, Weights loaded, const Kernels& table,
          const AllocatorPtr& allocator = nullptr);

  ModelConfig config;
  Weights weights;
  const Kernels& kernels;
  RotaryTable rotary_full, rotary_sliding;
  std::unique_ptr<const OnednnPrefill> onednn;  ///< null: the kernels compute every batch

  const Matrix& head() const { return weights.head.rows != 0 ? weights.head : weights.embedding; }
  const RotaryTable& rotary(const LayerConfig& layer) const {
    return layer.sliding ? rotary_sliding : rotary_full;
  }

  /// For a batch of `rows`; null: the kernels compute it.
  const OnednnPrefill* onednn_for(std::uint32_t rows) const {
    return rows >= kGemmMinRows ? onednn.get() : nullptr;
  }

  /// Bytes of the rotary tables, which a network has besides its weights. Of a configuration whose
  /// turning_pairs are settled.
  static std::uint64_t table_bytes(const ModelConfig& config);
};

}  // namespace gemma4
