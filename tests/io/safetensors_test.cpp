// Safetensors: what an honest file gives, and what becomes of files that lie.
#include "io/safetensors.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "io/io_test_helpers.hpp"
#include "io/safetensors_writer.hpp"
#include "io/temporary_folder.hpp"

namespace gemma4::test {
namespace {

/// The error of a file with this header and so many bytes of data.
Error header_error(const std::string& header, std::size_t data_bytes) {
  const ExactBytes bytes(safetensors_bytes(header, std::string(data_bytes, 'x')));
  return error_of([&] { parse_safetensors(bytes.span(), "lie.safetensors"); });
}

void check_refused(const std::string& header, std::size_t data_bytes, std::string_view item,
                   std::string_view found, ErrorCode code = ErrorCode::format) {
  const Error error = header_error(header, data_bytes);
  CAPTURE(header);
  CAPTURE(error.what());
  CHECK(error.code() == code);
  CHECK(contains(error.what(), "lie.safetensors: "));
  CHECK(contains(error.what(), "expected"));
  CHECK(contains(error.what(), item));
  CHECK(contains(error.what(), found));
}

std::string entry(const std::string& type, const std::string& shape, const std::string& offsets) {
  return "{\"t\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
         "}}";
}

std::string two(const std::string& first, const std::string& second) {
  return "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + first +
         "},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + second + "}}";
}

}  // namespace

TEST_CASE("an honest file gives its tensors") {
  SafetensorsWriter writer;
  writer.add("z", "BF16", {2, 3}, std::string(12, 'z')).add("one", "I64", {}, std::string(8, 'o'));
  writer.add("nothing", "F32", {0, 7}, "").add("half", "F16", {1}, "hh");
  const ExactBytes bytes(writer.bytes());
  const std::vector<SafetensorsTensor> tensors = parse_safetensors(bytes.span(), "file");
  REQUIRE(tensors.size() == 4);
  CHECK(tensors[0].name == "z");
  CHECK(tensors[0].type->type == TensorType::bf16);
  CHECK(tensors[0].shape == std::vector<std::uint64_t>{2, 3});
  CHECK(tensors[0].bytes.size() == 12);
  CHECK(tensors[0].bytes[11] == std::byte{'z'});
  CHECK(tensors[1].shape.empty());
  CHECK(tensors[1].bytes.data() == tensors[0].bytes.data() + 12);
  CHECK(tensors[2].bytes.empty());
  CHECK(tensors[3].bytes.data() + 2 == bytes.span().data() + bytes.span().size());
}

TEST_CASE("metadata is skipped, names and order are free") {
  const std::string header =
      "{\"__metadata__\":{\"format\":\"pt\"},"
      "\"b\":{\"shape\":[2],\"data_offsets\":[2,4],\"dtype\":\"I8\"},"
      "\"\\u00e4 \\\"\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]}}   ";
  const ExactBytes bytes(safetensors_bytes(header, "abcd"));
  const auto tensors = parse_safetensors(bytes.span(), "file");
  REQUIRE(tensors.size() == 2);
  CHECK(tensors[0].bytes[0] == std::byte{'c'});
  CHECK(tensors[1].name == "\xc3\xa4 \"");
  CHECK_FALSE(tensors[1].type->type);
}

TEST_CASE("a file cut anywhere is refused") {
  SafetensorsWriter writer;
  writer.add("a", "F32", {2}, "12345678").add("b", "U8", {3}, "abc");
  const std::string whole = writer.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const ExactBytes bytes(std::string_view(whole).substr(0, size));
    CAPTURE(size);
    CHECK(error_of([&] { parse_safetensors(bytes.span(), "cut"); }).code() == ErrorCode::format);
  }
  const ExactBytes longer(whole + "x");
  const Error error = error_of([&] { parse_safetensors(longer.span(), "long"); });
  CHECK(contains(error.what(), "1 bytes that no tensor has"));
}

TEST_CASE("lengths of the header") {
  for (const std::uint64_t length :
       {std::uint64_t{100'000'001}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    std::string bytes(64, ' ');
    std::memcpy(bytes.data(), &length, sizeof length);
    const ExactBytes exact(bytes);
    const Error error = error_of([&] { parse_safetensors(exact.span(), "file"); });
    CHECK(error.code() == ErrorCode::format);
    CHECK(contains(error.what(), std::to_string(length)));
  }
  check_refused("", 0, "JSON", "found");
}

TEST_CASE("ranges that overlap, leave a hole, run backwards or leave the file") {
  check_refused(two("[0,4]", "[2,6]"), 6, "\"b\"", "found it at 2");
  check_refused(two("[0,4]", "[0,4]"), 4, "byte 4", "found it at 0");
  check_refused(two("[0,4]", "[5,9]"), 9, "byte 4", "found it at 5");
  check_refused(two("[1,5]", "[5,9]"), 9, "\"a\"", "found it at 1");
  check_refused(two("[0,4]", "[4,8]"), 7, "data_offsets", "[4, 8]");
  check_refused(two("[4,0]", "[4,8]"), 8, "data_offsets", "[4, 0]");
  check_refused(entry("U8", "[4]", "[0,18446744073709551615]"), 4, "data_offsets",
                "18446744073709551615");
  check_refused(entry("U8", "[4]", "[9223372036854775808,9223372036854775812]"), 4, "data_offsets",
                "9223372036854775808");
}

TEST_CASE("shapes that do not fit their bytes, or 64 bits") {
  check_refused(entry("F32", "[2]", "[0,4]"), 4, "8 bytes", "[0, 4]");
  check_refused(entry("F32", "[4294967296,4294967296]", "[0,4]"), 4, "counted", "[0, 4]");
  check_refused(entry("U8", "[9223372036854775808,2]", "[0,0]"), 0, "counted", "[0, 0]");
  check_refused(entry("F4", "[3]", "[0,1]"), 1, "counted", "[0, 1]");
  check_refused(entry("U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "16", "more");
}

TEST_CASE("values of another kind") {
  check_refused(entry("F32", "[-1]", "[0,4]"), 4, "shape", "something else");
  check_refused(entry("F32", "[1.5]", "[0,4]"), 4, "shape", "something else");
  check_refused(entry("F32", "[\"1\"]", "[0,4]"), 4, "shape", "something else");
  check_refused(entry("F32", "1", "[0,4]"), 4, "shape", "a number");
  check_refused(entry("F32", "[1]", "[0]"), 4, "data_offsets", "1");
  check_refused(entry("F32", "[1]", "[0,4,8]"), 4, "at most 2", "more");
  check_refused(entry("F32", "[1]", "null"), 4, "data_offsets", "no such key");
  check_refused("{\"t\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "dtype", "no such key");
  check_refused("{\"t\":[]}", 0, "\"t\"", "an array");
  check_refused("{\"t\":null}", 0, "\"t\"", "null");
  check_refused("[]", 0, "an object", "an array");
  check_refused("{\"t\":", 0, "JSON", "found");
  check_refused("{} {}", 0, "JSON", "found");
  check_refused("{\"\xff\":{}}", 0, "JSON", "found");
}

TEST_CASE("types that nobody knows are unsupported, and the known ones are named") {
  check_refused(entry("F128", "[1]", "[0,16]"), 16, "BF16", "\"F128\"", ErrorCode::unsupported);
  check_refused(entry("bf16", "[1]", "[0,2]"), 2, "F8_E4M3", "\"bf16\"", ErrorCode::unsupported);
}

TEST_CASE("keys that occur twice") {
  check_refused(
      "{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
      "\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
      2, "one such key", "several");
  check_refused("{\"t\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                1, "\"dtype\"", "several");
}

TEST_CASE("deep nesting is refused, not followed") {
  const std::string deep(100'000, '[');
  check_refused("{\"t\":" + deep, 0, "JSON", "found");
  check_refused("{\"t\":" + deep + std::string(100'000, ']') + "}", 0, "nested", "found");
}

TEST_CASE("shards: the index says which file has a tensor") {
  const TemporaryFolder folder;
  SafetensorsWriter first, second;
  first.add("a", "U8", {1}, "a").add("unlisted", "U8", {1}, "u");
  second.add("b", "U8", {2}, "bb");
  folder.write("model-1.safetensors", first.bytes());
  folder.write("model-2.safetensors", second.bytes());
  folder.write("model.safetensors.index.json",
               R"({"metadata":{"total_size":3},"weight_map":{"b":"model-2.safetensors",)"
               R"("a":"model-1.safetensors"}})");
  const SafetensorsFiles files = open_safetensors(folder.path(""));
  CHECK(files.files.size() == 2);
  REQUIRE(files.tensors.size() == 2);
  CHECK(files.tensors[0].name == "a");
  CHECK(files.tensors[1].bytes[1] == std::byte{'b'});

  folder.write("model.safetensors", second.bytes());  // a whole file comes before an index
  CHECK(open_safetensors(folder.path("")).tensors.size() == 1);
}

TEST_CASE("indexes that lie") {
  const TemporaryFolder folder;
  SafetensorsWriter shard;
  shard.add("a", "U8", {1}, "a");
  folder.write("s.safetensors", shard.bytes());
  const auto refused = [&](const std::string& index, ErrorCode code, std::string_view item) {
    folder.write("model.safetensors.index.json", index);
    const Error error = error_of([&] { open_safetensors(folder.path("")); });
    CAPTURE(error.what());
    CHECK(error.code() == code);
    CHECK(contains(error.what(), item));
  };
  refused(R"({"weight_map":{"a":"gone.safetensors"}})", ErrorCode::io, "gone.safetensors");
  refused(R"({"weight_map":{"b":"s.safetensors"}})", ErrorCode::format, "\"b\"");
  for (const char* name : {"../s.safetensors", "/etc/s.safetensors", "x\\\\s.safetensors",
                           "s.safetensors\\u0000.safetensors", ".safetensors", "s.bin", ""}) {
    refused(std::string(R"({"weight_map":{"a":")") + name + "\"}}", ErrorCode::format,
            "in the same folder");
  }
  refused(R"({"weight_map":{"a":7}})", ErrorCode::format, "a string");
  refused(R"({"weight_map":{"a":"s.safetensors","a":"s.safetensors"}})", ErrorCode::format,
          "several");
  refused(R"({"weight_map":{}})", ErrorCode::format, "at least one");
  refused(R"({"weight_map":[]})", ErrorCode::format, "an object");
  refused("{}", ErrorCode::format, "weight_map");
  CHECK(error_of([] { open_safetensors("/nowhere"); }).code() == ErrorCode::io);
}

}  // namespace gemma4::test
