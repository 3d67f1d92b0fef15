// Files that lie. Each must end in an error that names the file, the item, the expected and the
// found.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/gguf_part.hpp"
#include "io/gguf_writer.hpp"
#include "io/io_test_helpers.hpp"

using namespace gemma4;
using namespace gemma4::test;

namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

void check_refused(const GgufWriter& writer, ErrorCode code, std::string_view item,
                   std::string_view found) {
  const ExactBytes bytes(writer.bytes());
  const Error error = error_of([&] { parse_gguf(bytes.span(), "hostile.gguf"); });
  CAPTURE(error.what());
  CHECK(error.code() == code);
  CHECK(contains(error.what(), "hostile.gguf: "));
  CHECK(contains(error.what(), "expected"));
  CHECK(contains(error.what(), item));
  CHECK(contains(error.what(), found));
}

void check_format(const GgufWriter& writer, std::string_view item, std::string_view found) {
  check_refused(writer, ErrorCode::format, item, found);
}

/// A file whose single tensor is described freely; the data is `data_bytes` long.
GgufWriter one_tensor(std::vector<std::uint64_t> ne, std::uint32_t type,
                      std::uint64_t data_bytes = 64) {
  GgufWriter writer;
  writer.tensors.push_back({"t.weight", std::move(ne), type, std::string(data_bytes, 'x'), {}});
  return writer;
}

std::string number_bytes(std::uint64_t value) {
  std::string bytes;
  append_number(bytes, value);
  return bytes;
}

std::string array_head(std::uint32_t type, std::uint64_t count) {
  std::string bytes;
  append_number(bytes, type);
  append_number(bytes, count);
  return bytes;
}

}  // namespace

TEST_CASE("wrong magic") {
  GgufWriter writer;
  writer.magic = "GGML";
  check_format(writer, "magic", "\"GGML\"");
  writer.magic = std::string("\x7f\0EL", 4);
  check_format(writer, "magic", "\"\\x7f\\x00EL\"");
}

TEST_CASE("versions that cannot be read are unsupported, not damaged") {
  GgufWriter writer;
  for (const std::uint32_t version : {0u, 1u, 4u, 0xffffu, 0xffffffffu}) {
    writer.version = version;
    check_refused(writer, ErrorCode::unsupported, "version", std::to_string(version));
  }
  for (const std::uint32_t version : {0x03000000u, 0x02000000u, 0x00030000u}) {
    writer.version = version;
    check_refused(writer, ErrorCode::unsupported, "big-endian", std::to_string(version));
  }
}

TEST_CASE("absurd counts are refused before anything is allocated for them") {
  for (const std::uint64_t count :
       {kMax, std::uint64_t{1} << 63, std::uint64_t{1} << 40, std::uint64_t{1000}}) {
    GgufWriter tensors;
    tensors.claimed_tensors = count;
    check_format(tensors, "number of tensors", std::to_string(count));
    GgufWriter keys;
    keys.claimed_keys = count;
    check_format(keys, "number of keys", std::to_string(count));
  }
  GgufWriter one_too_many;
  one_too_many.text("a", "some text of a few bytes, so that there is room").claimed_keys = 2;
  check_format(one_too_many, "", "end of the file");
}

TEST_CASE("absurd lengths of keys, strings and arrays") {
  for (const std::uint64_t length : {kMax, kMax - 7, std::uint64_t{1} << 62, std::uint64_t{100}}) {
    check_format(GgufWriter().raw("text", 8, number_bytes(length)), "\"text\"", "end of the file");
    for (const std::uint32_t type : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 10u, 11u, 12u}) {
      check_format(GgufWriter().raw("list", 9, array_head(type, length)), "\"list\"",
                   std::to_string(length));
    }
  }
  // The second of two strings is too long; the count itself is possible.
  const std::string strings =
      array_head(8, 2) + number_bytes(3) + "abc" + number_bytes(50) + "short";
  check_format(GgufWriter().raw("list", 9, strings), "\"list\"", "end of the file");

  GgufWriter key;
  key.claimed_keys = 1;
  key.magic = std::string("GGUF");
  std::string bytes = key.bytes() + number_bytes(kMax) + "general.name padded to be long enough";
  const ExactBytes exact(bytes);
  CHECK(error_of([&] { parse_gguf(exact.span(), "hostile.gguf"); }).code() == ErrorCode::format);
}

TEST_CASE("keys must have a length that GGUF allows, and be unique") {
  check_format(GgufWriter().text("", "x"), "key length", "found 0");
  check_format(GgufWriter().text(std::string(65536, 'k'), "x"), "key length", "65536");
  check_format(GgufWriter().text("a", "x").text("b", "x").text("a", "y"), "\"a\"", "twice");
}

TEST_CASE("unknown and nested value types") {
  check_format(GgufWriter().raw("k", 13, number_bytes(0)), "value type", "13");
  check_format(GgufWriter().raw("k", 0xffffffffu, number_bytes(0)), "value type", "4294967295");
  check_format(GgufWriter().raw("k", 9, array_head(13, 0)), "value type", "13");
  check_refused(GgufWriter().raw("k", 9, array_head(9, 1) + array_head(4, 0)),
                ErrorCode::unsupported, "array element type", "arrays");
  check_format(GgufWriter().raw("k", 7, "\2"), "boolean", "2");
  check_format(GgufWriter().raw("k", 9, array_head(7, 2) + "\1\xff"), "boolean", "255");
}

TEST_CASE("the alignment is a power of two that fits 32 bits") {
  for (const std::uint32_t alignment : {0u, 3u, 33u, 0xffffffffu}) {
    check_format(GgufWriter().value("general.alignment", alignment), "general.alignment",
                 std::to_string(alignment));
  }
  check_format(GgufWriter().value("general.alignment", std::uint64_t{1} << 63), "general.alignment",
               std::to_string(std::uint64_t{1} << 63));
  check_format(GgufWriter().value("general.alignment", std::int32_t{-32}), "general.alignment",
               "-32");
  check_format(GgufWriter().text("general.alignment", "32"), "general.alignment", "string");
  // Legal, but then the data starts behind the end of the file.
  GgufWriter far;
  far.value("general.alignment", std::uint32_t{1} << 31).tensor("t", {4}, TensorType::f32);
  check_format(far, "\"t\"", "data section of 0 bytes");
}

TEST_CASE("tensor names") {
  GgufWriter empty = one_tensor({8}, 0);
  empty.tensors[0].name.clear();
  check_format(empty, "name length", "found 0");
  GgufWriter lengthy = one_tensor({8}, 0);
  lengthy.tensors[0].name = std::string(64, 'n');
  check_format(lengthy, "name length", "64");
  lengthy.tensors[0].name = std::string(63, 'n');
  const ExactBytes longest_bytes(lengthy.bytes());
  CHECK(parse_gguf(longest_bytes.span(), "memory").tensors.all().size() == 1);
  GgufWriter twice = one_tensor({8}, 0);
  twice.tensors.push_back(twice.tensors[0]);
  check_format(twice, "\"t.weight\"", "twice");
}

TEST_CASE("numbers of dimensions and dimensions") {
  check_format(one_tensor({}, 0), "dimensions", "found 0");
  check_format(one_tensor({1, 1, 1, 1, 1}, 0), "dimensions", "found 5");
  check_format(one_tensor({0}, 0), "dimension 0", "found 0");
  check_format(one_tensor({4, 0}, 0), "dimension 1", "found 0");
  check_format(one_tensor({4, 1, 1, 0}, 0), "dimension 3", "found 0");
}

TEST_CASE("shapes whose size overflows 64 bits") {
  const std::uint64_t big = std::uint64_t{1} << 62;
  check_format(one_tensor({big, 4}, 0), "shape", "4611686018427387904 x 4 x 1 x 1");
  check_format(one_tensor({kMax}, 0), "shape", "18446744073709551615");
  check_format(one_tensor({1u << 31, 1u << 31, 1u << 31, 1u << 31}, 1), "shape", "2147483648");
  check_format(one_tensor({32, big, 16}, 2), "shape", "32 x 4611686018427387904 x 16");
  // The bytes would fit 64 bits, the count of elements does not.
  check_format(one_tensor({std::uint64_t{1} << 63, 2}, 16), "shape", "9223372036854775808 x 2");
  check_format(one_tensor({std::uint64_t{1} << 61}, 0), "\"t.weight\"", "data section of 64 bytes");
}

TEST_CASE("a row is a whole number of blocks") {
  check_format(one_tensor({33}, 2), "Q4_0", "33");
  check_format(one_tensor({128, 2}, 14), "Q6_K", "128");
}

TEST_CASE("a type without a known size is unsupported, and named") {
  for (const std::uint32_t type : {4u, 5u, 31u, 99u, 0xffffffffu}) {
    check_refused(one_tensor({32}, type), ErrorCode::unsupported, "\"t.weight\"",
                  "type " + std::to_string(type));
  }
}

TEST_CASE("offsets: aligned, inside the file, without overlap") {
  GgufWriter unaligned = one_tensor({8}, 0);
  unaligned.tensors[0].offset = 16;
  check_format(unaligned, "offset", "found 16");
  GgufWriter behind = one_tensor({8}, 0);
  for (const std::uint64_t offset : {std::uint64_t{64}, std::uint64_t{1} << 40, kMax - 31}) {
    behind.tensors[0].offset = offset;
    check_format(behind, "\"t.weight\"", "data section of 64 bytes");
  }
  check_format(one_tensor({17}, 0), "68 bytes", "data section of 64 bytes");

  GgufWriter overlap = one_tensor({16}, 0);
  overlap.tensors.push_back({"u.weight", {16}, 0, std::string(64, 'y'), {}});
  for (const std::uint64_t offset : {0u, 32u}) {
    overlap.tensors[1].offset = offset;
    check_format(overlap, "t.weight", "u.weight");
  }
  overlap.tensors[1].offset = 64;
  const ExactBytes bytes(overlap.bytes());
  CHECK(parse_gguf(bytes.span(), "memory").tensors.all().size() == 2);
}

TEST_CASE("numbers lie at their natural alignment even where the file's is smaller") {
  GgufWriter writer;
  writer.align(1).tensor("pad", {1}, TensorType::i8).tensor("t", {2}, TensorType::f32);
  // The section starts wherever the list ends; of four neighbouring starts only one suits the
  // tensor.
  int refused = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    writer.tensors[0].name = std::string(1 + i, 'p');
    const ExactBytes bytes(writer.bytes());
    const Error error = error_of([&] { parse_gguf(bytes.span(), "hostile.gguf"); });
    if (error.code() == ErrorCode::format &&
        contains(error.what(), "expected a multiple of 4 for F32"))
      ++refused;
  }
  CHECK(refused == 3);
}

TEST_CASE("text from a file is made harmless in messages") {
  const ExactBytes bytes(GgufWriter().raw("evil\n\x1b[31m\"", 13, "").bytes());
  const Error error = error_of([&] { parse_gguf(bytes.span(), "hostile.gguf"); });
  CHECK(contains(error.what(), "evil\\x0a\\x1b[31m\\x22"));
}
