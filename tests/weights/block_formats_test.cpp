#include "weights/block_formats.hpp"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace gemma4;

namespace {

constexpr TensorType kReadable[] = {
    TensorType::f32,  TensorType::f16,  TensorType::bf16, TensorType::q4_0,
    TensorType::q4_1, TensorType::q5_0, TensorType::q5_1, TensorType::q8_0,
    TensorType::q4_k, TensorType::q5_k, TensorType::q6_k,
};

TensorType type_named(std::string_view name) {
  for (const TensorType type : kReadable) {
    if (name == tensor_type_name(type)) return type;
  }
  FAIL("unknown type in the golden file");
  return TensorType::f32;
}

std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::vector<float> dequantize(TensorType type, const std::vector<std::byte>& bytes) {
  const TensorTypeTraits& traits = *tensor_type_traits(type);
  std::vector<float> out(bytes.size() / traits.block_bytes * traits.block_elements);
  dequantize_row(type, bytes, out);
  return out;
}

}  // namespace

TEST_CASE("every golden block decodes to its values, bit for bit") {
  simdjson::dom::parser parser;
  const simdjson::dom::element file =
      parser.load(GEMMA4_SOURCE_DIR "/tests/golden/numeric-vectors.json");
  int types = 0;
  for (const simdjson::dom::element entry : file["dequant"].get_array()) {
    const std::string_view name = entry["type"];
    CAPTURE(name);
    const std::vector<float> out = dequantize(type_named(name), from_hex(entry["bytes_hex"]));
    std::size_t i = 0;
    for (const double value : entry["values"].get_array()) {
      REQUIRE(i < out.size());
      // Nine significant digits determine a float.
      CHECK(std::bit_cast<std::uint32_t>(out[i]) ==
            std::bit_cast<std::uint32_t>(static_cast<float>(value)));
      ++i;
    }
    CHECK(i == out.size());
    ++types;
  }
  CHECK(types == 8);
}

TEST_CASE("a Q4_0 block by hand: low nibbles first, then high ones") {
  std::vector<std::byte> block(18, std::byte{0x10});
  block[0] = std::byte{0x00};
  block[1] = std::byte{0x3c};  // d = 1
  const std::vector<float> out = dequantize(TensorType::q4_0, block);
  for (std::size_t i = 0; i < 16; ++i) CHECK(out[i] == -8.0f);
  for (std::size_t i = 16; i < 32; ++i) CHECK(out[i] == -7.0f);
}

TEST_CASE("a Q6_K block by hand: codes are offset by 32") {
  std::vector<std::byte> block(210, std::byte{0});
  for (std::size_t i = 192; i < 208; ++i) block[i] = std::byte{1};  // scales
  block[209] = std::byte{0x3c};                                     // d = 1
  for (const float value : dequantize(TensorType::q6_k, block)) CHECK(value == -32.0f);
}

TEST_CASE("a row is its blocks one after the other") {
  std::vector<std::byte> row;
  for (int block = 0; block < 3; ++block) {
    row.push_back(std::byte{0x00});
    row.push_back(std::byte{0x3c});
    for (int i = 0; i < 32; ++i) row.push_back(static_cast<std::byte>(i * 8 + block - 128));
  }
  const std::vector<float> out = dequantize(TensorType::q8_0, row);
  REQUIRE(out.size() == 96);
  for (int i = 0; i < 96; ++i) {
    CHECK(out[static_cast<std::size_t>(i)] == static_cast<float>(i % 32 * 8 + i / 32 - 128));
  }
}

TEST_CASE("plain numbers are read from any address") {
  const float values[] = {1.5f, -0.0f, 3e-39f, 65504.0f};
  std::vector<std::byte> shifted(1 + sizeof values);
  std::memcpy(shifted.data() + 1, values, sizeof values);
  float out[4];
  dequantize_row(TensorType::f32, std::span(shifted).subspan(1), out);
  CHECK(std::memcmp(out, values, sizeof values) == 0);

  const std::vector<float> halfs = dequantize(TensorType::f16, from_hex("003c00c0ff7b0100"));
  CHECK(halfs == std::vector<float>{1.0f, -2.0f, 65504.0f, 0x1p-24f});
  const std::vector<float> brains = dequantize(TensorType::bf16, from_hex("803f00c0"));
  CHECK(brains == std::vector<float>{1.0f, -2.0f});
}

TEST_CASE("the readable types are those with a formula") {
  for (const TensorType type : kReadable) CHECK(can_dequantize(type));
  for (const TensorType type : {TensorType::q2_k, TensorType::q3_k, TensorType::iq4_xs,
                                TensorType::mxfp4, TensorType::i32, TensorType::f64}) {
    CHECK_FALSE(can_dequantize(type));
  }
  CHECK_FALSE(can_dequantize(static_cast<TensorType>(4)));
  CHECK_FALSE(can_dequantize(static_cast<TensorType>(0xffffffffu)));
}

TEST_CASE("an unreadable type gives zeros, never stale memory") {
  std::vector<float> out(256, 7.0f);
  const std::vector<std::byte> bytes(84, std::byte{0xff});
  dequantize_row(TensorType::q2_k, bytes, out);
  for (const float value : out) CHECK(value == 0.0f);
}
