// Rows of a KV cache in memory, written by a kernel and read back by plain code.
#pragma once

#include <cstring>
#include <vector>

#include "base/buffer.hpp"
#include "base/half.hpp"
#include "kernels/kernels.hpp"

namespace gemma4::test {

/// Chunks of rows of `width` numbers.
class KvChunks {
 public:
  KvChunks(KvType type, std::uint32_t width, const std::vector<float>& numbers,
           const Kernels& kernels)
      : type_(type), width_(width) {
    const std::uint32_t rows = static_cast<std::uint32_t>(numbers.size()) / width;
    memory_ = Buffer((rows + kChunk - 1) / kChunk * chunk_bytes(type, width));
    for (std::uint32_t row = 0; row < rows; ++row)
      store(row, numbers.data() + std::size_t{row} * width, kernels);
  }

  void store(std::uint32_t row, const float* numbers, const Kernels& kernels) {
    kernels.store_row(numbers, width_, type_,
                      memory_.data() + row / kChunk * chunk_bytes(type_, width_), row % kChunk);
  }

  const std::byte* chunk(std::uint32_t index) const {
    return memory_.data() + index * chunk_bytes(type_, width_);
  }

  /// What a number of a row stands for.
  float at(std::uint32_t row, std::uint32_t column) const {
    const std::byte* rows = chunk(row / kChunk);
    const std::size_t place = std::size_t{row % kChunk} * width_ + column;
    if (type_ == KvType::f32) return reinterpret_cast<const float*>(rows)[place];
    if (type_ == KvType::f16)
      return half_to_float(reinterpret_cast<const std::uint16_t*>(rows)[place]);
    const std::size_t tile = row % kChunk / 16, lane = row % 16;
    const Q8Block& block =
        reinterpret_cast<const Q8Block*>(rows)[tile * ((width_ + 63) / 64) + column / 64];
    const std::uint32_t part = column / 32 % 2, k = column % 32;
    return half_to_float(block.scale[part][lane]) *
           static_cast<float>(block.codes[part][64 * (k / 4) + 4 * lane + k % 4]);
  }

  bool equal_bytes(const KvChunks& other) const {
    return memory_.size_bytes() == other.memory_.size_bytes() &&
           std::memcmp(memory_.data(), other.memory_.data(), memory_.size_bytes()) == 0;
  }

 private:
  KvType type_;
  std::uint32_t width_;
  Buffer memory_;
};

}  // namespace gemma4::test
