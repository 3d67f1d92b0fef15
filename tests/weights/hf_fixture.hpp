// The tiny pair as Hugging Face folders, and copies of them with something changed.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "io/io_test_helpers.hpp"
#include "io/safetensors.hpp"
#include "io/safetensors_writer.hpp"
#include "io/temporary_folder.hpp"
#include "weights/block_formats.hpp"
#include "weights/matrix_rows.hpp"

namespace gemma4::test {

inline std::string hf_target() { return GEMMA4_SOURCE_DIR "/models/tiny/w4a16/gemma4-tiny"; }
inline std::string hf_assistant() {
  return GEMMA4_SOURCE_DIR "/models/tiny/w4a16/gemma4-tiny-assistant";
}
inline std::string gguf_target() { return GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf"; }
inline std::string gguf_assistant() {
  return GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-assistant-q4_0.gguf";
}

/// `text` with its one `from` changed to `to`.
inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != text.npos, from);
  return text.replace(at, from.size(), to);
}

/// The tensors of a folder written again into one file, each as `change(name, type, shape, data)`
/// leaves it; an empty name drops one.
template <typename Change>
std::string rewritten(const Change& change, const std::string& folder = hf_target()) {
  const SafetensorsFiles files = open_safetensors(folder);
  SafetensorsWriter writer;
  for (const SafetensorsTensor& tensor : files.tensors) {
    std::string name = tensor.name, type = tensor.type->name;
    std::vector<std::uint64_t> shape = tensor.shape;
    std::string data(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    change(name, type, shape, data);
    if (!name.empty()) writer.add(name, type, shape, data);
  }
  return writer.bytes();
}

/// The nearest BF16, halves away from zero.
inline std::uint16_t bf16_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return static_cast<std::uint16_t>((bits + 0x8000u) >> 16);
}

/// A number as F32 or BF16.
inline std::string number_bytes(float value, TensorType type) {
  return type == TensorType::f32 ? bytes_of<float>({value})
                                 : bytes_of<std::uint16_t>({bf16_of(value)});
}

/// All rows of a tensor as numbers.
inline std::vector<float> values_of(const TensorView& tensor) {
  const std::uint64_t rows = tensor.ne[1] * tensor.ne[2] * tensor.ne[3], columns = tensor.ne[0];
  const TensorType type = row_type(tensor);
  std::vector<std::byte> bytes(row_bytes_of(type, columns));
  std::vector<float> all(rows * columns);
  for (std::uint64_t r = 0; r < rows; ++r) {
    copy_row(tensor, r, type, bytes.data());
    dequantize_row(type, bytes, std::span(all).subspan(r * columns, columns));
  }
  return all;
}

/// A copy of a folder's files.
class HfCopy {
 public:
  explicit HfCopy(const std::string& source) : source_(source) {
    for (const auto& file : std::filesystem::directory_iterator(source))
      folder_.write(file.path().filename().string(), read_file(file.path().string()));
  }
  std::string path() const { return folder_.path(""); }
  std::string original(const std::string& file) const { return read_file(source_ + "/" + file); }
  void write(const std::string& file, const std::string& bytes) const {
    folder_.write(file, bytes);
  }
  void remove(const std::string& file) const { std::filesystem::remove(folder_.path(file)); }
  void change(const std::string& file, std::string_view from, std::string_view to) const {
    write(file, replaced(original(file), from, to));
  }

 private:
  std::string source_;
  TemporaryFolder folder_;
};

}  // namespace gemma4::test
