// Writes the seeds of gguf_fuzz into a folder: one file of everything that is legal, and one for
// each kind of mistake that published advisories about GGUF readers describe, so that mutations
// start near them.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "io/gguf_writer.hpp"

namespace {

using gemma4::TensorType;
using gemma4::test::append_number;
using gemma4::test::GgufWriter;

std::string array_head(std::uint32_t type, std::uint64_t count) {
  std::string bytes;
  append_number(bytes, type);
  append_number(bytes, count);
  return bytes;
}

GgufWriter everything() {
  GgufWriter writer;
  writer.text("general.architecture", "gemma4").align(32);
  writer.value("u8", std::uint8_t{1}).value("i8", std::int8_t{-1});
  writer.value("u16", std::uint16_t{2}).value("i16", std::int16_t{-2});
  writer.value("u32", std::uint32_t{3}).value("i32", std::int32_t{-3});
  writer.value("u64", std::uint64_t{4}).value("i64", std::int64_t{-4});
  writer.value("f32", 0.5f).value("f64", 0.25).value("flag", true);
  writer.array("u8s", std::vector<std::uint8_t>{1, 2, 3});
  writer.array("i64s", std::vector<std::int64_t>{-1, 2});
  writer.array("f32s", std::vector<float>{-1000.0f});
  writer.array("flags", std::vector<bool>{true, false});
  writer.array("tokenizer.ggml.tokens", std::vector<std::string>{"<pad>", "<eos>", "a", "b"});
  writer.array("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
  writer.tensor("token_embd.weight", {256, 2}, TensorType::q6_k);
  writer.tensor("blk.0.attn_q.weight", {32, 2}, TensorType::q4_0);
  writer.tensor("output_norm.weight", {7}, TensorType::f32);
  return writer;
}

/// A string that claims to be longer than the address space: length + position wraps around.
GgufWriter long_string() {
  std::string length;
  append_number(length, ~std::uint64_t{0} - 8);
  return everything().raw("text", 8, length + "short");
}

/// count * element size wraps around to a small allocation.
GgufWriter wrapping_array() {
  return everything().raw("list", 9, array_head(10, (std::uint64_t{1} << 61) + 1) + "12345678");
}

/// Counts of keys and tensors for which count * sizeof(entry) wraps around.
GgufWriter absurd_counts() {
  GgufWriter writer = everything();
  writer.claimed_keys = (std::uint64_t{1} << 58) + 1;
  writer.claimed_tensors = ~std::uint64_t{0};
  return writer;
}

/// The product of the dimensions wraps around to the size of the data that is there.
GgufWriter wrapping_shape() {
  GgufWriter writer = everything();
  writer.tensors.back().ne = {std::uint64_t{1} << 32, std::uint64_t{1} << 32, 1, 1};
  return writer;
}

/// A tensor whose offset + size wraps around to a place inside the file.
GgufWriter wrapping_offset() {
  GgufWriter writer = everything();
  writer.tensors.back().offset = ~std::uint64_t{0} - 31;
  return writer;
}

GgufWriter too_many_dimensions() {
  GgufWriter writer = everything();
  writer.tensors.back().ne.assign(200, 1);
  return writer;
}

GgufWriter unknown_type() {
  GgufWriter writer = everything();
  writer.tensors.back().type = 0x7fffffff;
  return writer;
}

GgufWriter zero_alignment() { return GgufWriter().value("general.alignment", std::uint32_t{0}); }

GgufWriter nested_arrays() {
  std::string nested;
  for (int depth = 0; depth < 64; ++depth) nested += array_head(9, 1);
  return everything().raw("nested", 9, nested);
}

void write(const std::filesystem::path& path, const GgufWriter& writer) {
  const std::string bytes = writer.bytes();
  std::ofstream out(path, std::ios::binary);
  out.exceptions(std::ios::failbit | std::ios::badbit);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: gguf_corpus FOLDER\n");
    return 2;
  }
  try {
    const std::filesystem::path folder = argv[1];
    std::filesystem::create_directories(folder);
    write(folder / "everything.gguf", everything());
    write(folder / "long-string.gguf", long_string());
    write(folder / "wrapping-array.gguf", wrapping_array());
    write(folder / "absurd-counts.gguf", absurd_counts());
    write(folder / "wrapping-shape.gguf", wrapping_shape());
    write(folder / "wrapping-offset.gguf", wrapping_offset());
    write(folder / "too-many-dimensions.gguf", too_many_dimensions());
    write(folder / "unknown-type.gguf", unknown_type());
    write(folder / "zero-alignment.gguf", zero_alignment());
    write(folder / "nested-arrays.gguf", nested_arrays());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gguf_corpus: %s\n", error.what());
    return 1;
  }
  return 0;
}
