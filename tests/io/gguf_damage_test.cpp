// Files cut short and files with flipped bytes: an error that names the file, or a file that can be
// read to its last byte.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "io/gguf.hpp"
#include "io/gguf_writer.hpp"
#include "io/io_test_helpers.hpp"
#include "io/temporary_folder.hpp"

using namespace gemma4;
using namespace gemma4::test;

namespace {

const char* const kTinyModel = GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf";

/// One of everything, in under 2 KiB.
std::string small_file() {
  GgufWriter writer;
  writer.text("general.architecture", "gemma4").align(32);
  writer.value("u8", std::uint8_t{1}).value("i8", std::int8_t{-1}).value("u16", std::uint16_t{2});
  writer.value("i16", std::int16_t{-2})
      .value("u32", std::uint32_t{3})
      .value("i32", std::int32_t{-3});
  writer.value("u64", std::uint64_t{4})
      .value("i64", std::int64_t{-4})
      .value("f32", 0.5f)
      .value("f64", 0.25);
  writer.value("flag", true).array("flags", std::vector<bool>{true, false});
  writer.array("i32s", std::vector<std::int32_t>{8, 8, 1})
      .array("f32s", std::vector<float>{-1000.0f});
  writer.array("tokenizer.ggml.tokens",
               std::vector<std::string>{"<pad>", "<eos>", "<bos>", "\xe2\x96\x81"});
  writer.array("tokenizer.ggml.merges", std::vector<std::string>{"a b", "ab c"});
  writer.tensor("token_embd.weight", {256, 2}, TensorType::q6_k)
      .tensor("output_norm.weight", {7}, TensorType::f32);
  writer.tensor("blk.0.attn_q.weight", {32, 2}, TensorType::q4_0);
  return writer.bytes();
}

/// Parses bytes; says whether they are a valid file. What is wrong with an error otherwise fails
/// the test.
bool is_valid(std::string_view bytes) {
  const ExactBytes exact(bytes);
  try {
    const GgufPart part = parse_gguf(exact.span(), "damaged.gguf");
    CHECK(touch_everything(part) > 0);
    return true;
  } catch (const Error& error) {
    if (!contains(error.what(), "damaged.gguf: "))
      FAIL_CHECK("a message without the file: ", error.what());
    const bool expected_code =
        error.code() == ErrorCode::format || error.code() == ErrorCode::unsupported;
    if (!expected_code) FAIL_CHECK("code ", static_cast<int>(error.code()), ": ", error.what());
    return false;
  }
}

/// Changes a few bytes: any byte to any value, or a number to one from the edge of its range.
void damage(std::string& bytes, std::mt19937_64& random, std::size_t within) {
  static constexpr std::uint64_t kEdges[] = {0,
                                             1,
                                             0x7f,
                                             0x80,
                                             0xff,
                                             0xffff,
                                             0x7fffffff,
                                             0x80000000,
                                             0xffffffff,
                                             0x7fffffffffffffff,
                                             0x8000000000000000,
                                             0xffffffffffffffff};
  const std::size_t changes = 1 + random() % 4;
  for (std::size_t i = 0; i < changes; ++i) {
    const std::size_t at = random() % within;
    if (random() % 3 != 0) {
      bytes[at] = static_cast<char>(random());
      continue;
    }
    const std::uint64_t edge = kEdges[random() % std::size(kEdges)];
    const std::size_t width =
        std::min<std::size_t>(std::size_t{1} << (random() % 4), bytes.size() - at);
    std::memcpy(bytes.data() + at, &edge, width);
  }
}

}  // namespace

TEST_CASE("a small file cut at every byte") {
  const std::string whole = small_file();
  REQUIRE(is_valid(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    if (is_valid(std::string_view(whole).substr(0, length))) FAIL_CHECK("accepted at ", length);
  }
}

TEST_CASE("a small file cut at every byte on disk") {
  const TemporaryFolder folder;
  const std::string whole = small_file();
  const std::string path = folder.write("cut.gguf", whole);
  CHECK(open_gguf(path).tensors.all().size() == 3);
  for (std::size_t length = whole.size() - 1; length < whole.size(); --length) {
    std::filesystem::resize_file(path, length);
    const Error error = error_of([&] { open_gguf(path); });
    if (error.code() != (length == 0 ? ErrorCode::io : ErrorCode::format) ||
        !contains(error.what(), path)) {
      FAIL_CHECK("cut at ", length, ": ", error.what());
    }
  }
}

TEST_CASE("the tiny model cut at every 4 KiB") {
  const TemporaryFolder folder;
  const std::string path = folder.write("cut.gguf", read_file(kTinyModel));
  const std::uintmax_t whole = std::filesystem::file_size(path);
  REQUIRE(whole > 1000000);
  std::uintmax_t cuts = 0;
  for (std::uintmax_t length = whole / 4096 * 4096; length > 0; length -= 4096, ++cuts) {
    std::filesystem::resize_file(path, length);
    const Error error = error_of([&] { open_gguf(path); });
    if (error.code() != ErrorCode::format || !contains(error.what(), path)) {
      FAIL_CHECK("cut at ", length, ": ", error.what());
    }
  }
  CHECK(cuts == whole / 4096);
}

TEST_CASE("the tiny model's header cut at random bytes") {
  const std::string whole = read_file(kTinyModel);
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const std::size_t length = random() % 100000;
    if (is_valid(std::string_view(whole).substr(0, length))) FAIL_CHECK("accepted at ", length);
  }
}

TEST_CASE("a small file with random damage, 20,000 times") {
  const std::string whole = small_file();
  std::mt19937_64 random(2);
  int valid = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = whole;
    damage(bytes, random, bytes.size());
    if (random() % 16 == 0) bytes.resize(random() % (bytes.size() + 1));
    if (is_valid(bytes)) ++valid;
  }
  CHECK(valid > 0);
  CHECK(valid < 20000);
}

TEST_CASE("the tiny model with random damage in its header, 300 times") {
  const std::string whole = read_file(kTinyModel);
  std::mt19937_64 random(3);
  for (int i = 0; i < 300; ++i) {
    std::string bytes = whole;
    damage(bytes, random, 60000);
    is_valid(bytes);
  }
}
