// Dense products through oneDNN, in builds that have it. Its rounding is its own: close to the
// other kernels, not equal. gemm.cpp is the only file that knows oneDNN; absent.cpp stands in for
// it elsewhere.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/buffer.hpp"

namespace gemma4 {

/// What both factors are; sums are always floats.
enum class GemmType : std::uint8_t { f32, bf16 };

constexpr std::uint64_t gemm_type_bytes(GemmType type) { return type == GemmType::f32 ? 4 : 2; }

constexpr std::uint32_t kGemmOutputs = 128;  ///< matrix rows that one product takes
constexpr std::uint32_t kGemmMinRows = 32;   ///< batch rows, at least

struct GemmShape {
  GemmType type = GemmType::f32;
  std::uint32_t columns = 0;
  bool operator==(const GemmShape&) const = default;
};

/// Products of given shapes, prepared once. Each is computed by the calling thread alone.
class Gemm {
 public:
  static bool available() noexcept;  ///< whether this build has oneDNN
  static bool fast_bf16() noexcept;  ///< whether oneDNN finds bf16 instructions here

  /// Throws Error(unsupported) when oneDNN refuses a shape or is absent.
  Gemm(std::span<const GemmShape> shapes, int workers, const AllocatorPtr& allocator = nullptr);
  ~Gemm();

  /// Bytes of scratch, all workers together. oneDNN's code and descriptions come on top, and so
  /// does what it allocates while computing (docs/onednn.md).
  std::uint64_t bytes() const noexcept;

  /// out[i * kGemmOutputs + j] = sum over k of a[i * columns + k] * weights[j * columns + k], for
  /// kGemmOutputs rows of weights and `rows` >= kGemmMinRows of a. No two calls at a time with one
  /// worker. Never fails: what oneDNN refuses at run time a plain loop computes.
  void multiply(std::uint32_t worker, const GemmShape& shape, const void* a, std::uint32_t rows,
                const void* weights, float* out) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gemma4
