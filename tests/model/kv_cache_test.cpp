#include "cache/kv_cache.hpp"

#include <doctest/doctest.h>

#include <cstring>

namespace gemma4::test {
namespace {

ModelConfig two_layers(std::uint32_t window) {
  ModelConfig config;
  config.window = window;
  config.layers = {{true, 2, 32, 64, false}, {false, 1, 64, 64, true}};
  return config;
}

}  // namespace

TEST_CASE("rows stay where they were written: pages for ever, rings for the window and the slack") {
  const std::uint32_t window = 100, batch = 40, context = 1500;
  const ModelConfig config = two_layers(window);
  for (const KvType type : {KvType::f16, KvType::f32}) {
    KvCache cache(config, type, context, batch);
    const std::size_t element = type == KvType::f32 ? 4 : 2;
    const auto mark = [&](std::byte* row, std::size_t size, std::uint32_t tag) {
      for (std::size_t i = 0; i + 4 <= size * element; i += 4) std::memcpy(row + i, &tag, 4);
    };
    const auto tag_of = [](const std::byte* row) {
      std::uint32_t tag;
      std::memcpy(&tag, row, 4);
      return tag;
    };
    for (std::uint32_t begin = 0; begin < context; begin += batch) {
      const std::uint32_t end = std::min(context, begin + batch);
      cache.open(begin, end);
      for (std::uint32_t p = begin; p < end; ++p) {
        for (std::uint32_t head = 0; head < 2; ++head) {
          mark(cache.key_row(0, head, p), 32, 4 * p + head);
          mark(cache.value_row(0, head, p), 32, 4 * p + 2 + head);
        }
        mark(cache.key_row(1, 0, p), 64, 4 * p);
        mark(cache.value_row(1, 0, p), 64, 4 * p + 1);
      }
      // what the batch's first row still sees, and what may be seen again after a rollback
      const std::uint32_t oldest =
          begin + 1 > window + kRollback ? begin + 1 - window - kRollback : 0;
      for (std::uint32_t p = 0; p < end; ++p) {
        const std::size_t in_chunk = p % kChunk;
        if (p >= oldest) {
          for (std::uint32_t head = 0; head < 2; ++head) {
            REQUIRE(tag_of(cache.keys(0, head, p) + in_chunk * 32 * element) == 4 * p + head);
            REQUIRE(tag_of(cache.values(0, head, p) + in_chunk * 32 * element) == 4 * p + 2 + head);
          }
        }
        REQUIRE(tag_of(cache.keys(1, 0, p) + in_chunk * 64 * element) == 4 * p);
        REQUIRE(tag_of(cache.values(1, 0, p) + in_chunk * 64 * element) == 4 * p + 1);
      }
      CHECK(cache.can_resume_at(end));
      CHECK(cache.can_resume_at(end > kRollback ? end - kRollback : 0));
    }
    CHECK(!cache.can_resume_at(200));
    cache.reset();
    CHECK(cache.can_resume_at(0));
  }
}

}  // namespace gemma4::test
