// Matrix products of long batches through oneDNN, when LoadOptions::prefill asks for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>

#include "base/buffer.hpp"
#include "kernels/onednn/gemm.hpp"
#include "model/matmul.hpp"

namespace gemma4 {

/// Blocks of matrix rows are the tasks. A block that is not kept in the product's type is unpacked
/// into the worker's scratch first. Cuts depend on shapes alone, so threads do not show in the
/// results; the batch's length does. The scratch belongs to the model: the pool runs one job at a
/// time.
class OnednnPrefill {
 public:
  /// Throws Error(unsupported | out_of_memory).
  OnednnPrefill(const Weights& weights, int threads, const AllocatorPtr& allocator = nullptr);

  std::uint64_t bytes() const { return memory_.size_bytes() + gemm_.bytes(); }

  /// As gemma4::multiply, of a.values. `spare` has room for as many numbers.
  void multiply(WorkerPool& pool, const std::atomic<bool>* cancel,
                std::initializer_list<Product> products, const Activations& a, std::uint32_t count,
                float* spare) const;

  /// out = down * (gelu(gate * a) * (up * a)). `spare` as above, `gated` holds the inner rows.
  void feed_forward(const Kernels& kernels, WorkerPool& pool, const std::atomic<bool>* cancel,
                    const LayerWeights& weights, const Activations& a, std::uint32_t count,
                    float* spare, float* gated, float* out) const;

 private:
  struct Rows {  // a batch, contiguous
    GemmType type;
    const void* data;
    std::uint32_t count;
  };
  struct Scratch {
    std::span<std::byte> weights;  // [kGemmOutputs][columns] of the product's type
    std::span<float> out[2];       // [kMaxRows][kGemmOutputs]
  };

  void carve(Carver& carver, std::uint32_t threads, std::uint64_t block_bytes);
  static Rows narrowed(WorkerPool& pool, const std::atomic<bool>* cancel, GemmType type,
                       const Activations& a, std::uint32_t count, float* spare);
  void multiply_rows(WorkerPool& pool, const std::atomic<bool>* cancel,
                     std::initializer_list<Product> products, const Rows& rows) const;
  /// out[i][0 ... kGemmOutputs): the rows times matrix rows from block * kGemmOutputs on.
  void multiply_block(const Matrix& matrix, std::uint32_t block, const Rows& rows,
                      std::uint32_t worker, float* out) const;

  Buffer memory_;
  std::span<Scratch> workers_;
  Gemm gemm_;
};

}  // namespace gemma4
