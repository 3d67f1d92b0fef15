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

/// A batch with its integer form, in the memory it lives in.
class Batch {
 public:
  Batch(const Kernels& kernels, std::vector<float> values, std::uint32_t columns,
        std::uint32_t digits = 1)
      : values_(std::move(values)) {
    const std::uint32_t rows = static_cast<std::uint32_t>(values_.size() / columns);
    Carver plan;
    take_activations(plan, rows, columns, digits, nullptr);
    integers_ = Buffer(plan.used_bytes());
    Carver carver(integers_.data());
    activations_ = take_activations(carver, rows, columns, digits, values_.data());
    for (std::uint32_t row = 0; row < rows; ++row)
      kernels.quantize(activations_.from(row).values, columns, activations_, row, 0);
  }
  const Activations& get() const { return activations_; }
  bool equal_bits(const Batch& other) const {
    return integers_.size_bytes() == other.integers_.size_bytes() &&
           std::memcmp(integers_.data(), other.integers_.data(), integers_.size_bytes()) == 0;
  }

 private:
  std::vector<float> values_;
  Buffer integers_;
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
