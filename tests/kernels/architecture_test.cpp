// The promise across processors: hashes of kernel results that were computed on x86-64 and hold on
// every architecture, for every instruction set.
#include <doctest/doctest.h>

#include <bit>
#include <memory>
#include <optional>
#include <string>

#include "kernels/kv_chunks.hpp"
#include "kernels/random.hpp"

namespace gemma4::test {
namespace {

/// FNV-1a over the bits of the numbers, so that the order of bytes in memory does not matter.
std::uint64_t hash(const std::vector<float>& values) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const float v : values) {
    for (int shift = 0; shift < 32; shift += 8) {
      h ^= (std::bit_cast<std::uint32_t>(v) >> shift) & 0xffu;
      h *= 0x100000001b3u;
    }
  }
  return h;
}

std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> all = fast_kernels();
  all.push_back(find_kernels(Isa::scalar));
  return all;
}

/// Two tiles of random codes with sane scales times five columns.
template <typename Block>
std::uint64_t matmul_hash(const Kernels& k, MatrixFormat format, std::uint32_t columns,
                          std::uint32_t digits) {
  constexpr std::uint32_t kTiles = 2, kColumns = 5;
  const std::size_t count = kTiles * tile_bytes(format, columns) / sizeof(Block);
  Random random(31);
  std::vector<std::byte> storage(count * sizeof(Block) + 64);
  void* start = storage.data();  // the kernels read aligned tiles
  std::size_t space = storage.size();
  Block* blocks = static_cast<Block*>(std::align(64, count * sizeof(Block), start, space));
  for (std::size_t i = 0; i < count * sizeof(Block); ++i)
    reinterpret_cast<std::byte*>(blocks)[i] = static_cast<std::byte>(random.bits());
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t* scales = reinterpret_cast<std::uint16_t*>(&blocks[i].scale);
    for (std::size_t s = 0; s < sizeof blocks[i].scale / 2; ++s)
      scales[s] = float_to_half(0.05f * random.unit());
  }
  const Batch batch(k, random.floats(kColumns * columns, 4.0f), columns, digits);
  std::vector<float> y(kColumns * kTiles * kTileRows);
  k.matmul(format, reinterpret_cast<const std::byte*>(blocks), kTiles, batch.get(), kColumns,
           y.data(), kTiles * kTileRows);
  return hash(y);
}

/// Heads of 80 numbers; in q8_0 of 96.
std::uint64_t attention_hash(const Kernels& k, KvType type) {
  constexpr std::uint32_t kRows = 7;
  const std::uint32_t kHead = type == KvType::q8_0 ? 96 : 80;
  Random random(37);
  std::vector<float> query = random.floats(kRows * kHead, 2.0f);
  Activations activations;
  activations.columns = kHead;
  activations.values = query.data();
  std::optional<Batch> codes;
  if (type == KvType::q8_0) activations = codes.emplace(k, query, kHead).get();
  std::vector<float> value(kRows * kHead), maximum(kRows), sum(kRows), out(kRows * kHead),
      scores(kRows * kChunk), widened(attention_scratch(kHead, kRows));
  const AttentionState state{maximum.data(), sum.data(), value.data()};
  reset(state, kRows, kHead);
  for (std::uint32_t chunk = 0; chunk < 2; ++chunk) {
    const KvChunks stored(type, kHead, random.floats(2 * kChunk * kHead), k);
    std::vector<std::uint8_t> first(kRows), last(kRows);
    for (std::uint32_t r = 0; r < kRows; ++r) {
      first[r] = static_cast<std::uint8_t>(chunk == 0 ? 5 * r : 0);
      last[r] = static_cast<std::uint8_t>(chunk == 0 ? kChunk : 9 * r);
    }
    k.attend({activations, kRows, stored.chunk(0), stored.chunk(1), kHead, 0, type, first.data(),
              last.data(), scores.data(), widened.data()},
             state);
  }
  k.finish(state, kRows, kHead, out.data());
  return hash(out);
}

std::uint64_t match_hash(const Kernels& k) {
  constexpr std::uint32_t kTiles = 9, kBlocks = 3;
  Random random(53);
  const Buffer memory(kTiles * kBlocks * sizeof(SketchBlock));
  for (std::uint32_t i = 0; i < kTiles * kBlocks; ++i) {
    SketchBlock& block = reinterpret_cast<SketchBlock*>(memory.data())[i];
    for (std::uint8_t& code : block.codes) code = static_cast<std::uint8_t>(random.bits());
    for (float& scale : block.scale) scale = random.unit();
  }
  std::vector<std::int8_t> codes(kBlocks * kSketchColumns);
  std::vector<std::int32_t> offset(kBlocks);
  for (std::uint32_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<std::int8_t>(static_cast<int>(random.bits() % 255) - 127);
    offset[i / kSketchColumns] -= 3 * codes[i];
  }
  std::vector<float> best(kTiles);
  k.match(memory.data(), kTiles, {kBlocks, codes.data(), offset.data()}, best.data());
  return hash(best);
}

}  // namespace

TEST_CASE("matrix products have the same bits on every architecture") {
  for (const Kernels* k : all_kernels()) {
    const std::string isa = isa_name(k->isa);
    CAPTURE(isa);
    CHECK(matmul_hash<Q4Block>(*k, MatrixFormat::q4_0, 7 * 32, 1) == 0x9cbaf85f6a79b55fu);
    CHECK(matmul_hash<Q8Block>(*k, MatrixFormat::q8_0, 7 * 32, 1) == 0xbd0bd7310b39c2b0u);
    CHECK(matmul_hash<Q6Block>(*k, MatrixFormat::q6_k, 512, 1) == 0xf16a6dfd74b79f03u);
    CHECK(matmul_hash<Q4Block>(*k, MatrixFormat::q4_0, 7 * 32, 2) == 0x9323e332abfe9329u);
    CHECK(matmul_hash<Q8Block>(*k, MatrixFormat::q8_0, 7 * 32, 2) == 0xac8aa3d5fc87d9cdu);
    CHECK(matmul_hash<Q6Block>(*k, MatrixFormat::q6_k, 512, 2) == 0x0b1f1084449a9f93u);
    CHECK(match_hash(*k) == 0x49fa77d3cba27488u);
  }
}

TEST_CASE("functions, norms and attention have the same bits on every architecture") {
  Random random(41);
  const std::vector<float> x = random.floats(1024, 9.0f), w = random.floats(1024);
  std::vector<float> out(1024);
  for (const Kernels* k : all_kernels()) {
    const std::string isa = isa_name(k->isa);
    CAPTURE(isa);
    k->exponential(x.data(), 1024, out.data());
    CHECK(hash(out) == 0x7d2d7935be08fac8u);
    k->hyperbolic_tangent(x.data(), 1024, out.data());
    CHECK(hash(out) == 0x7747801549f36aa6u);
    k->gelu_multiply(x.data(), w.data(), 1024, out.data());
    CHECK(hash(out) == 0x5e142218d2295e66u);
    k->rms_norm(x.data(), w.data(), 1024, 1e-6f, out.data());
    CHECK(hash(out) == 0xdb90acecbdfd6b91u);
    CHECK(attention_hash(*k, KvType::f32) == 0x4a41a3e81465825du);
    CHECK(attention_hash(*k, KvType::f16) == 0xb7f5c647e3b039a3u);
    CHECK(attention_hash(*k, KvType::q8_0) == 0x862de38191ce9571u);
  }
}

TEST_CASE("the best kernels of the architecture are found") {
#if defined(__aarch64__)
  CHECK(find_kernels(Isa::automatic)->isa == Isa::neon);
  CHECK(find_kernels(Isa::avx2) == nullptr);
#else
  CHECK(find_kernels(Isa::neon) == nullptr);
#endif
}

}  // namespace gemma4::test
