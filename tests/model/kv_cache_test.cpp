#include "cache/kv_cache.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace gemma4::test {
namespace {

/// A window, full layers with keys and values apart and in one row.
ModelConfig three_layers(std::uint32_t window) {
  ModelConfig config;
  config.window = window;
  config.layers = {
      {true, 2, 32, 64, false}, {false, 1, 64, 64, false}, {false, 1, 128, 64, true, 16}};
  return config;
}

/// The 12B's layers: five with a window, then a full one.
ModelConfig shapes_12b() {
  ModelConfig config;
  config.window = 1024;
  for (int i = 0; i < 48; ++i) {
    config.layers.push_back(i % 6 == 5 ? LayerConfig{false, 1, 512, 15360, true, 64}
                                       : LayerConfig{true, 8, 256, 15360, false});
  }
  return config;
}

}  // namespace

TEST_CASE("rows stay where they were written: pages for ever, rings for the window and the slack") {
  const std::uint32_t window = 100, batch = 40, context = 1500;
  const ModelConfig config = three_layers(window);
  for (const KvType type : {KvType::f16, KvType::f32, KvType::q8_0}) {
    KvCache cache(config, type, context, batch);
    // each position's share of a chunk
    const auto share = [&](std::size_t layer) { return cache.row(layer).bytes() / kChunk; };
    const auto mark = [&](std::size_t layer, std::byte* chunk, std::uint32_t p, std::uint32_t tag) {
      for (std::size_t i = 0; i + 4 <= share(layer); i += 4)
        std::memcpy(chunk + p % kChunk * share(layer) + i, &tag, 4);
    };
    const auto tag_of = [&](std::size_t layer, const std::byte* chunk, std::uint32_t p) {
      std::uint32_t tag;
      std::memcpy(&tag, chunk + p % kChunk * share(layer), 4);
      return tag;
    };
    for (std::uint32_t begin = 0; begin < context; begin += batch) {
      const std::uint32_t end = std::min(context, begin + batch);
      cache.open(begin, end);
      for (std::uint32_t p = begin; p < end; ++p) {
        for (std::uint32_t head = 0; head < 2; ++head) {
          mark(0, cache.keys(0, head, p), p, 4 * p + head);
          mark(0, cache.values(0, head, p), p, 4 * p + 2 + head);
        }
        mark(1, cache.keys(1, 0, p), p, 4 * p);
        mark(1, cache.values(1, 0, p), p, 4 * p + 1);
        mark(2, cache.keys(2, 0, p), p, 4 * p + 2);
      }
      // what the batch's first row still sees, and what may be seen again after a rollback
      const std::uint32_t oldest =
          begin + 1 > window + kRollback ? begin + 1 - window - kRollback : 0;
      for (std::uint32_t p = 0; p < end; ++p) {
        if (p >= oldest) {
          for (std::uint32_t head = 0; head < 2; ++head) {
            REQUIRE(tag_of(0, cache.keys(0, head, p), p) == 4 * p + head);
            REQUIRE(tag_of(0, cache.values(0, head, p), p) == 4 * p + 2 + head);
          }
        }
        REQUIRE(tag_of(1, cache.keys(1, 0, p), p) == 4 * p);
        REQUIRE(tag_of(1, cache.values(1, 0, p), p) == 4 * p + 1);
        REQUIRE(tag_of(2, cache.values(2, 0, p), p) == 4 * p + 2);
      }
      CHECK(cache.can_resume_at(end));
      CHECK(cache.can_resume_at(end > kRollback ? end - kRollback : 0));
    }
    CHECK(!cache.can_resume_at(200));
    cache.reset();
    CHECK(cache.can_resume_at(0));
  }
}

TEST_CASE("a 12B's rows take the bytes that their numbers need, and no more") {
  const ModelConfig config = shapes_12b();
  constexpr std::uint64_t kMiB = 1u << 20, kContext = 262144, kRing = 1408;
  const auto bytes = [&](KvType type) { return KvCache::bytes(config, type, kContext, 256); };
  // per position 8 rows of 128 + 512 numbers, and 40 layers with 8 heads of 2 x 256
  const std::uint64_t numbers = kContext * 8 * 640 + kRing * 40 * 8 * 512;
  CHECK(bytes(KvType::f32) == 4 * numbers);
  CHECK(bytes(KvType::f16) == 2 * numbers);
  CHECK(bytes(KvType::q8_0) == numbers + numbers / 32 * 2);
  CHECK(bytes(KvType::f16) <= 3000 * kMiB);
  CHECK(bytes(KvType::q8_0) <= 1600 * kMiB);
}

TEST_CASE("a shared row is the key in a form and order of its own, then the value") {
  const LayerConfig layer = {false, 1, 128, 64, true, 16};
  const KvRow row(KvType::f32, layer);
  REQUIRE(row.shared());
  CHECK(row.width() == 160);
  CHECK(row.value_column() == 32);
  std::vector<float> key(128), value(128), norm(128), query(128), stored(160), arranged(128);
  for (std::size_t i = 0; i < 128; ++i) {
    value[i] = static_cast<float>(i + 1);
    norm[i] = static_cast<float>(i % 7) - 3.0f;
    query[i] = static_cast<float>(i % 5) - 2.0f;
    // what turns is not the value times the norm
    key[i] = i % 64 < 16 ? 1000.0f - value[i] : value[i] * norm[i];
  }
  row.join(key.data(), value.data(), stored.data());
  row.arrange_query(query.data(), norm, arranged.data());
  double score = 0, expected = 0;  // all numbers are small integers: sums are exact
  for (std::size_t i = 0; i < 128; ++i) {
    score += double(arranged[i]) * double(stored[i]);
    expected += double(query[i]) * double(key[i]);
  }
  CHECK(score == expected);
  std::vector<float> back(128);
  const float* next = stored.data() + row.value_column();
  for (const KvRow::Piece& piece : row.value_order()) {
    std::copy_n(next, piece.size, back.data() + piece.from);
    next += piece.size;
  }
  CHECK(next == stored.data() + stored.size());
  CHECK(back == value);
}

TEST_CASE("rows are shared only where that saves something") {
  const auto shared = [](const LayerConfig& layer) { return KvRow(KvType::f16, layer).shared(); };
  CHECK(shared({false, 1, 512, 64, true, 64}));
  CHECK(shared({false, 1, 64, 64, true, 0}));           // nothing turns
  CHECK(shared({false, 1, 96, 64, true, 32}));          // 64 of 96
  CHECK_FALSE(shared({false, 1, 512, 64, false, 64}));  // a V of its own
  CHECK_FALSE(shared({false, 1, 512, 64, true}));       // all pairs turn
  CHECK_FALSE(shared({false, 1, 64, 64, true, 17}));    // in blocks of 32 too
  CHECK(KvRow(KvType::f16, {false, 1, 64, 64, true, 17}).rows() == 2);
}

}  // namespace gemma4::test
