#include "random_blocks.hpp"

#include <array>
#include <cmath>
#include <cstring>

#include "base/half.hpp"

namespace gemma4::synthetic {
namespace {

// Root mean squares of uniform codes: Q4_0's -8..7, Q6_K's -32..31 and its sub-block
// scales' 64..127 of either sign.
const double kRmsCode4 = std::sqrt(21.5);
const double kRmsCode6 = std::sqrt(341.5);
const double kRmsScale6 = std::sqrt(9457.5);

/// SplitMix64's output function: a bijection that turns a counter into independent-looking bits.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// The n-th 64 random bits of one tensor.
class RandomBits {
 public:
  RandomBits(const PlannedTensor& tensor, std::uint64_t seed) : key_(mix(seed + 1)) {
    for (const char c : tensor.name) key_ = mix(key_ ^ static_cast<unsigned char>(c));
  }
  std::uint64_t at(std::uint64_t n) const { return mix(key_ + n * 0x9e3779b97f4a7c15u); }

 private:
  std::uint64_t key_;
};

/// Block scales: 128 magnitudes around `scale`, from 0.7 to 1.3 of it, with either sign.
std::array<std::uint16_t, 256> scale_table(double scale) {
  std::array<std::uint16_t, 256> table;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const std::size_t step = i / 2;
    const double magnitude = scale * (0.7 + 0.6 * static_cast<double>(step) / 127);
    table[i] = float_to_half(static_cast<float>(i % 2 == 0 ? magnitude : -magnitude));
  }
  return table;
}

/// Puts random bytes into a block, from consecutive counters; gives the counter after the last.
std::uint64_t put_bits(const RandomBits& random, std::uint64_t counter, std::byte* out,
                       std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += 8) {
    const std::uint64_t bits = random.at(counter++);
    std::memcpy(out + i, &bits, 8);
  }
  return counter;
}

void fill_q4_0(const PlannedTensor& tensor, const RandomBits& random, std::uint64_t first,
               std::span<std::byte> out) {
  constexpr std::size_t kBlock = 18;
  const auto scales = scale_table(tensor.scale / kRmsCode4);
  for (std::size_t i = 0; i < out.size() / kBlock; ++i) {
    std::byte* block = out.data() + i * kBlock;
    const std::uint64_t next = put_bits(random, (first + i) * 3, block + 2, 16);
    std::memcpy(block, &scales[random.at(next) & 255], 2);
  }
}

void fill_q6_k(const PlannedTensor& tensor, const RandomBits& random, std::uint64_t first,
               std::span<std::byte> out) {
  constexpr std::size_t kBlock = 210;
  constexpr std::size_t kCodes = 192;
  const auto scales = scale_table(tensor.scale / (kRmsCode6 * kRmsScale6));
  for (std::size_t i = 0; i < out.size() / kBlock; ++i) {
    std::byte* block = out.data() + i * kBlock;
    std::uint64_t next = put_bits(random, (first + i) * 32, block, kCodes);
    next = put_bits(random, next, block + kCodes, 16);
    for (std::size_t j = kCodes; j < kCodes + 16; ++j) {  // 64..127, or their negatives -127..-64
      const int bits = std::to_integer<int>(block[j]);
      const int magnitude = 64 + (bits & 63);
      block[j] = static_cast<std::byte>((bits & 64) != 0 ? -magnitude : magnitude);
    }
    std::memcpy(block + 208, &scales[random.at(next) & 255], 2);
  }
}

void fill_f32(const PlannedTensor& tensor, const RandomBits& random, std::uint64_t first,
              std::span<std::byte> out) {
  const std::uint64_t rotated =
      tensor.ne[0] / 4;  // a quarter of the pairs; 1e30 freezes the others
  for (std::size_t i = 0; i < out.size() / sizeof(float); ++i) {
    const std::uint64_t n = first + i;
    const double unit = static_cast<double>(random.at(n) >> 11) * 0x1p-53;
    float value = static_cast<float>(tensor.scale * (0.9 + 0.2 * unit));
    if (tensor.fill == Fill::rope_factors) value = n < rotated ? 1.0f : 1e30f;
    std::memcpy(out.data() + i * sizeof(float), &value, sizeof value);
  }
}

}  // namespace

void fill_blocks(const PlannedTensor& tensor, std::uint64_t seed, std::uint64_t first,
                 std::span<std::byte> out) {
  const RandomBits random(tensor, seed);
  switch (tensor.type) {
    case TensorType::q4_0:
      return fill_q4_0(tensor, random, first, out);
    case TensorType::q6_k:
      return fill_q6_k(tensor, random, first, out);
    default:
      return fill_f32(tensor, random, first, out);
  }
}

}  // namespace gemma4::synthetic
