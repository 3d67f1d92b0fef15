#include "base/buffer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

#include "gemma4/error.hpp"

using namespace gemma4;

TEST_CASE("a buffer is aligned, zero-filled and writable to its last byte") {
  for (const std::uint64_t size : {1ull, 63ull, 4096ull, 4097ull, 9ull << 20}) {
    const Buffer buffer(size);
    REQUIRE(buffer.size_bytes() == size);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64 == 0);
    CHECK(std::all_of(buffer.data(), buffer.data() + size,
                      [](std::byte byte) { return byte == std::byte{0}; }));
    buffer.data()[size - 1] = std::byte{1};
  }
}

TEST_CASE("an empty buffer has no memory") {
  CHECK(Buffer().data() == nullptr);
  CHECK(Buffer(0).data() == nullptr);
  CHECK(Buffer(0).size_bytes() == 0);
}

TEST_CASE("moving a buffer moves its memory") {
  Buffer first(100);
  std::byte* memory = first.data();
  Buffer second(std::move(first));
  CHECK(second.data() == memory);
  Buffer third(50);
  third = std::move(second);
  CHECK(third.data() == memory);
  CHECK(third.size_bytes() == 100);
}

TEST_CASE("an impossible size is an error that states it") {
  try {
    const Buffer buffer(std::numeric_limits<std::uint64_t>::max() / 2);
    FAIL("got memory");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::out_of_memory);
    CHECK(std::string(error.what()).find("9223372036854775807") != std::string::npos);
  }
}

TEST_CASE("a carver's plan and its arrays agree") {
  const auto carve = [](Carver& carver) {
    const auto a = carver.take<float>(3);
    const auto b = carver.take<std::uint8_t>(65);
    const auto c = carver.take<std::uint64_t>(8);
    return std::tuple(a, b, c);
  };
  Carver plan;
  const auto planned = carve(plan);
  CHECK(std::get<0>(planned).empty());
  CHECK(plan.used_bytes() == 64 + 128 + 64);

  const Buffer buffer(plan.used_bytes());
  Carver carver(buffer.data());
  const auto [a, b, c] = carve(carver);
  CHECK(carver.used_bytes() == plan.used_bytes());
  CHECK(a.size() == 3);
  CHECK(b.size() == 65);
  CHECK(c.size() == 8);
  CHECK(reinterpret_cast<std::byte*>(a.data()) == buffer.data());
  CHECK(reinterpret_cast<std::byte*>(b.data()) == buffer.data() + 64);
  CHECK(reinterpret_cast<std::byte*>(c.data()) == buffer.data() + 192);
}
