// Well-formed files: everything that is written comes back.
#include "io/gguf.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "io/gguf_writer.hpp"
#include "io/io_test_helpers.hpp"
#include "io/temporary_folder.hpp"

using namespace gemma4;
using namespace gemma4::test;

namespace {

template <typename T>
const T& held(const Metadata& metadata, std::string_view key) {
  CAPTURE(key);
  const MetadataValue* value = metadata.find(key);
  REQUIRE(value != nullptr);
  REQUIRE(std::holds_alternative<T>(*value));
  return std::get<T>(*value);
}

/// Writes the extreme values of an integer type, alone and in an array, and reads them back
/// widened.
template <typename T, typename Wide>
void check_integer() {
  constexpr T kLow = std::numeric_limits<T>::min();
  constexpr T kHigh = std::numeric_limits<T>::max();
  GgufWriter writer;
  writer.value("low", kLow).value("high", kHigh).array("all", std::vector<T>{kLow, T{1}, kHigh});
  writer.array("none", std::vector<T>{});
  const ExactBytes bytes(writer.bytes());
  const GgufPart part = parse_gguf(bytes.span(), "memory");
  CHECK(part.metadata.size() == 4);
  CHECK(held<Wide>(part.metadata, "low") == Wide{kLow});
  CHECK(held<Wide>(part.metadata, "high") == Wide{kHigh});
  CHECK(held<std::vector<Wide>>(part.metadata, "all") == std::vector<Wide>{kLow, 1, kHigh});
  CHECK(held<std::vector<Wide>>(part.metadata, "none").empty());
}

std::string text_of(const TensorView& tensor) {
  return std::string(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
}

}  // namespace

TEST_CASE("integers of every width come back, alone and in arrays") {
  check_integer<std::uint8_t, std::uint64_t>();
  check_integer<std::uint16_t, std::uint64_t>();
  check_integer<std::uint32_t, std::uint64_t>();
  check_integer<std::uint64_t, std::uint64_t>();
  check_integer<std::int8_t, std::int64_t>();
  check_integer<std::int16_t, std::int64_t>();
  check_integer<std::int32_t, std::int64_t>();
  check_integer<std::int64_t, std::int64_t>();
}

TEST_CASE("real numbers, booleans and strings come back, alone and in arrays") {
  const std::string odd("with\0zero, \xe2\x96\x81 and \xff", 19);
  GgufWriter writer;
  writer.value("f32", 1.5f).value("f64", 1e300).value("yes", true).value("no", false);
  writer.text("text", odd).text("nothing", "").text(odd, "a key may be odd");
  writer.array("f32s", std::vector<float>{-1000.0f, 0.25f})
      .array("f64s", std::vector<double>{1e-300});
  writer.array("flags", std::vector<bool>{true, false, true, true});
  writer.array("texts", std::vector<std::string>{"", odd, "same", "same"});
  const ExactBytes bytes(writer.bytes());
  const GgufPart part = parse_gguf(bytes.span(), "memory");
  const Metadata& metadata = part.metadata;
  CHECK(held<double>(metadata, "f32") == 1.5);
  CHECK(held<double>(metadata, "f64") == 1e300);
  CHECK(held<bool>(metadata, "yes"));
  CHECK_FALSE(held<bool>(metadata, "no"));
  CHECK(held<std::string_view>(metadata, "text") == odd);
  CHECK(held<std::string_view>(metadata, "nothing").empty());
  CHECK(held<std::string_view>(metadata, odd) == "a key may be odd");
  CHECK(held<std::vector<double>>(metadata, "f32s") == std::vector<double>{-1000.0, 0.25});
  CHECK(held<std::vector<double>>(metadata, "f64s") == std::vector<double>{1e-300});
  CHECK(held<std::vector<bool>>(metadata, "flags") == std::vector<bool>{true, false, true, true});
  CHECK(held<std::vector<std::string_view>>(metadata, "texts") ==
        std::vector<std::string_view>{"", odd, "same", "same"});
  CHECK(metadata.file() == "memory");
}

TEST_CASE("tensors come back with shape, type and bytes, in file order") {
  for (const std::uint32_t alignment : {1u, 2u, 8u, 32u, 64u, 4096u}) {
    CAPTURE(alignment);
    GgufWriter writer;
    writer.align(alignment);
    writer.tensor("z.weight", {64, 3}, TensorType::q4_0).tensor("a", {5}, TensorType::f16);
    writer.tensor("cube", {256, 2, 3, 2}, TensorType::q6_k).tensor("iq", {256}, TensorType::iq4_xs);
    const ExactBytes bytes(writer.bytes());
    const GgufPart part = parse_gguf(bytes.span(), "memory");
    REQUIRE(part.tensors.all().size() == 4);
    CHECK(part.tensors.all()[0].name == "z.weight");
    CHECK(part.tensors.all()[3].name == "iq");
    for (const WrittenTensor& written : writer.tensors) {
      CAPTURE(written.name);
      const TensorView* tensor = part.tensors.find(written.name);
      REQUIRE(tensor != nullptr);
      CHECK(static_cast<std::uint32_t>(tensor->type) == written.type);
      CHECK(tensor->dimensions == written.ne.size());
      for (std::size_t i = 0; i < 4; ++i) {
        CHECK(tensor->ne[i] == (i < written.ne.size() ? written.ne[i] : 1));
      }
      CHECK(text_of(*tensor) == written.data);
    }
    CHECK(part.tensors.find("cube")->row_bytes() == 210);
    CHECK(part.tensors.find("cube")->elements() == 256 * 12);
    CHECK(part.tensors.find("b") == nullptr);
  }
}

TEST_CASE("version 2 has the same layout") {
  GgufWriter writer;
  writer.version = 2;
  writer.text("general.name", "old").tensor("t", {4}, TensorType::f32);
  const ExactBytes bytes(writer.bytes());
  CHECK(parse_gguf(bytes.span(), "memory").tensors.find("t") != nullptr);
}

TEST_CASE("tensors may lie in any order and with gaps") {
  GgufWriter writer;
  writer.tensor("first", {8}, TensorType::f32, std::string(32, 'x'));
  writer.tensor("second", {8}, TensorType::f32, std::string(32, 'y'));
  writer.tensor("third", {8}, TensorType::f32, std::string(96, 'z'));
  writer.tensors[0].offset = 128;
  writer.tensors[1].offset = 0;
  writer.tensors[2].offset = 64;
  const ExactBytes bytes(writer.bytes());
  const GgufPart part = parse_gguf(bytes.span(), "memory");
  CHECK(text_of(*part.tensors.find("second")) == std::string(32, 'x'));
  CHECK(text_of(*part.tensors.find("third")) == std::string(32, 'z'));
  CHECK(text_of(*part.tensors.find("first")) == std::string(32, 'z'));
}

TEST_CASE("a vocabulary without tensors opens, with and without padding at its end") {
  const TemporaryFolder folder;
  GgufWriter writer;
  writer.array("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b"});
  const Checkpoint file = open_gguf(folder.write("vocab.gguf", writer.bytes()));
  CHECK(file.tensors.all().empty());
  CHECK(file.metadata.text_array("tokenizer.ggml.tokens")->size() == 2);
  CHECK(open_gguf(folder.write("padded.gguf", writer.bytes() + std::string(64, '\0')))
            .metadata.size() == 1);
  CHECK(open_gguf(folder.write("bare.gguf", GgufWriter().bytes())).metadata.size() == 0);
}

TEST_CASE("an opened file may be moved") {
  const TemporaryFolder folder;
  GgufWriter writer;
  writer.text("general.architecture", "gemma4").tensor("t", {4}, TensorType::f32);
  Checkpoint file = open_gguf(folder.write("model.gguf", writer.bytes()));
  const Checkpoint moved = std::move(file);
  CHECK(moved.metadata.text("general.architecture") == "gemma4");
  CHECK(text_of(*moved.tensors.find("t")) == writer.tensors[0].data);
  CHECK(moved.files.size() == 1);
  CHECK(moved.file_bytes == writer.bytes().size());
}

TEST_CASE("the tiny pair opens") {
  const std::string folder = GEMMA4_SOURCE_DIR "/models/tiny/";
  const Checkpoint target = open_gguf(folder + "gemma4-tiny-q4_0.gguf");
  CHECK(target.metadata.text("general.architecture") == "gemma4");
  CHECK(target.tensors.find("token_embd.weight") != nullptr);
  CHECK(target.tensors.all().size() == 86);
  const Checkpoint assistant = open_gguf(folder + "gemma4-tiny-assistant-q4_0.gguf");
  CHECK(assistant.metadata.text("general.architecture") == "gemma4-assistant");
  CHECK(assistant.tensors.all().size() == 49);
}

TEST_CASE("the real vocabulary opens") {
  const char* path = std::getenv("GEMMA4_TEST_VOCAB");
  if (path == nullptr) {
    MESSAGE("skipped: GEMMA4_TEST_VOCAB names no vocabulary file");
    return;
  }
  const Checkpoint file = open_gguf(path);
  CHECK(file.metadata.text("tokenizer.ggml.model") == "gemma4");
  CHECK(file.metadata.text_array("tokenizer.ggml.tokens")->size() == 262144);
  CHECK(file.metadata.text_array("tokenizer.ggml.merges")->size() == 514906);
}
