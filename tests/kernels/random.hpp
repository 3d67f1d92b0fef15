// Seeded random inputs for kernel tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/half.hpp"
#include "kernels/kernels.hpp"

namespace gemma4::test {

/// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// Uniform in [-1, 1).
  float unit() { return static_cast<float>(static_cast<std::int64_t>(bits()) >> 40) * 0x1p-23f; }
  std::vector<float> floats(std::size_t count, float scale = 1.0f) {
    std::vector<float> values(count);
    for (float& v : values) v = scale * unit();
    return values;
  }

 private:
  std::uint64_t state_;
};

/// The 8-bit form of a batch with the memory it lives in.
class Batch {
 public:
  Batch(const Kernels& kernels, std::vector<float> values, std::uint32_t columns)
      : values_(std::move(values)) {
    const std::size_t n = values_.size();
    codes_.resize(n);
    scale_.resize(n / 32);
    offset8_.resize(n / 16);
    offset32_.resize(n / 8);
    activations_ = {columns,       values_.data(),  codes_.data(),
                    scale_.data(), offset8_.data(), offset32_.data()};
    kernels.quantize(values_.data(), static_cast<std::uint32_t>(n / columns), activations_);
  }
  const Activations& get() const { return activations_; }
  bool equal_bits(const Batch& other) const {
    return std::memcmp(codes_.data(), other.codes_.data(), codes_.size()) == 0 &&
           std::memcmp(scale_.data(), other.scale_.data(), scale_.size() * 4) == 0 &&
           std::memcmp(offset8_.data(), other.offset8_.data(), offset8_.size() * 2) == 0 &&
           std::memcmp(offset32_.data(), other.offset32_.data(), offset32_.size() * 2) == 0;
  }

 private:
  std::vector<float> values_;
  std::vector<std::int8_t> codes_;
  std::vector<float> scale_;
  std::vector<std::int16_t> offset8_, offset32_;
  Activations activations_;
};

/// Every instruction set of this machine besides the scalar one.
inline std::vector<const Kernels*> fast_kernels() {
  std::vector<const Kernels*> found;
  for (const Isa isa : {Isa::avx2, Isa::avxvnni, Isa::avx512, Isa::neon}) {
    if (const Kernels* kernels = find_kernels(isa)) found.push_back(kernels);
  }
  return found;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace gemma4::test
