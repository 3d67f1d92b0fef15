#include "llama_state.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"

namespace gemma4::bench {
namespace {

constexpr std::size_t kHeaderBytes = 8;  // magic and sequence
constexpr std::size_t kCellBytes = 12;   // position, number of sequences (1), sequence

/// Reads a state and writes the longer one as it goes.
class Stretcher {
 public:
  Stretcher(std::span<const std::uint8_t> in, std::uint32_t depth, std::uint32_t window)
      : in_(in), depth_(depth), window_(window) {}

  std::vector<std::uint8_t> run() {
    put(take(kHeaderBytes));
    cache(depth_);                     // full layers
    cache(std::min(depth_, window_));  // sliding layers
    expect(in_.empty(), "something after the two caches");
    return std::move(out_);
  }

 private:
  /// u32 streams, u32 cells, cells, u32 transposed, u32 layers, K of all layers, V of all layers.
  void cache(std::uint32_t cells) {
    expect(copy_u32() == 1, "more than one stream");
    const std::uint32_t have = take_u32();
    expect(have > 0, "an empty cache");
    put_u32(cells);
    const std::span<const std::uint8_t> old = take(have * kCellBytes);
    for (std::uint32_t i = 0; i < cells; ++i) {
      put_u32(depth_ - cells + i);
      put(old.subspan(std::size_t{i} % have * kCellBytes + 4, kCellBytes - 4));
    }
    expect(copy_u32() == 0, "transposed values");
    const std::uint32_t layers = copy_u32();
    for (std::uint32_t i = 0; i < 2 * layers; ++i) rows(have, cells);
  }

  /// i32 type, u64 bytes of a row, rows.
  void rows(std::uint32_t have, std::uint32_t cells) {
    put(take(4));
    const std::span<const std::uint8_t> size = take(8);
    std::uint64_t row_bytes = 0;
    std::memcpy(&row_bytes, size.data(), 8);
    expect(row_bytes < (1u << 20), "a row of more than a megabyte");
    put(size);
    const std::span<const std::uint8_t> old = take(have * row_bytes);
    for (std::uint32_t done = 0; done < cells; done += have)
      put(old.first(std::min(have, cells - done) * row_bytes));
  }

  static void expect(bool truth, const char* otherwise) {
    if (!truth) fail(ErrorCode::format, std::string("state of llama.cpp: found ") + otherwise);
  }
  std::span<const std::uint8_t> take(std::size_t bytes) {
    expect(bytes <= in_.size(), "its end too early");
    const std::span<const std::uint8_t> part = in_.first(bytes);
    in_ = in_.subspan(bytes);
    return part;
  }
  std::uint32_t take_u32() {
    std::uint32_t value = 0;
    std::memcpy(&value, take(4).data(), 4);
    return value;
  }
  void put(std::span<const std::uint8_t> bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  void put_u32(std::uint32_t value) {
    std::uint8_t bytes[4];
    std::memcpy(bytes, &value, 4);
    put(bytes);
  }
  std::uint32_t copy_u32() {
    const std::uint32_t value = take_u32();
    put_u32(value);
    return value;
  }

  std::span<const std::uint8_t> in_;
  std::uint32_t depth_, window_;
  std::vector<std::uint8_t> out_;
};

}  // namespace

std::vector<std::uint8_t> stretched_state(std::span<const std::uint8_t> state, std::uint32_t depth,
                                          std::uint32_t window) {
  return Stretcher(state, depth, window).run();
}

}  // namespace gemma4::bench
