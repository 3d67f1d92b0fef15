// Rows of a KV cache: what they hold after a kernel stored them, and that all kernels store the
// same bytes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/kv_chunks.hpp"
#include "kernels/random.hpp"

namespace gemma4::test {
namespace {

constexpr std::uint32_t kWidth = 96, kRows = kChunk + 5;

/// Rule 8 once more, number by number.
float expected_q8(const float* block, std::uint32_t k) {
  float largest = 0;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(block[i]));
  const float d = half_to_float(float_to_half(largest / 127.0f));
  return d < 0x1p-14f ? 0.0f : d * std::nearbyint(block[k] / d);
}

float expected(KvType type, const float* block, std::uint32_t k) {
  if (type == KvType::q8_0) return expected_q8(block, k);
  return type == KvType::f16 ? half_to_float(float_to_half(block[k])) : block[k];
}

}  // namespace

TEST_CASE("every kernel stores rows as they are defined") {
  std::vector<const Kernels*> all = fast_kernels();
  all.push_back(find_kernels(Isa::scalar));
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    CAPTURE(static_cast<int>(type));
    for (const float scale : {1e-6f, 0.01f, 1.0f, 30.0f, 40000.0f}) {
      CAPTURE(scale);
      std::vector<float> x = Random(3).floats(kRows * kWidth, scale);
      std::fill_n(x.begin(), 32, 0.0f);
      // halfway between two codes, and scales that rounding to half makes smaller and larger
      for (std::uint32_t i = 0; i < 32; ++i) x[32 + i] = scale * (static_cast<float>(i) + 0.5f);
      x[63] = scale * 127.0f;
      const KvChunks reference(type, kWidth, x, *find_kernels(Isa::scalar));
      for (const Kernels* k : all) {
        CAPTURE(std::string(isa_name(k->isa)));
        CHECK(reference.equal_bytes(KvChunks(type, kWidth, x, *k)));
      }
      for (std::uint32_t i = 0; i < x.size(); ++i) {
        REQUIRE(reference.at(i / kWidth, i % kWidth) ==
                expected(type, x.data() + i / 32 * 32, i % 32));
      }
    }
  }
}

TEST_CASE("q8_0 rows are within half a step of what was stored") {
  for (const float scale : {0.1f, 1.0f, 300.0f}) {
    const std::vector<float> x = Random(5).floats(kRows * kWidth, scale);
    const KvChunks stored(KvType::q8_0, kWidth, x, *find_kernels(Isa::automatic));
    for (std::uint32_t i = 0; i < x.size(); ++i) {
      float largest = 0;
      for (std::uint32_t k = 0; k < 32; ++k)
        largest = std::max(largest, std::fabs(x[i / 32 * 32 + k]));
      // a step is as large as its scale, which was rounded to 11 bits
      REQUIRE(std::fabs(stored.at(i / kWidth, i % kWidth) - x[i]) <= largest / 127 * 0.5003f);
    }
  }
}

TEST_CASE("damaged numbers show in the whole block of a q8_0 row, and in no other") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float damage : {infinity, -infinity, std::nanf(""), 1e10f}) {
    std::vector<float> x = Random(7).floats(kWidth);
    x[40] = damage;
    std::vector<const Kernels*> all = fast_kernels();
    all.push_back(find_kernels(Isa::scalar));
    const KvChunks reference(KvType::q8_0, kWidth, x, *find_kernels(Isa::scalar));
    for (const Kernels* k : all) {
      const KvChunks stored(KvType::q8_0, kWidth, x, *k);
      CHECK(reference.equal_bytes(stored));
      for (std::uint32_t i = 0; i < kWidth; ++i)
        CHECK(std::isnan(stored.at(0, i)) == (i / 32 == 1));
    }
  }
}

}  // namespace gemma4::test
