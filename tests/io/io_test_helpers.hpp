// What the tests of io/ share: parsing bytes that sit in memory of exactly their size, and looking
// at errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gemma4/error.hpp"
#include "io/gguf_part.hpp"

namespace gemma4::test {

/// A copy on the heap without a spare byte behind it, so that a sanitizer sees the first byte read
/// too far.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view bytes)
      : data_(new std::byte[bytes.size()]), size_(bytes.size()) {
    if (!bytes.empty()) std::memcpy(data_.get(), bytes.data(), bytes.size());
  }
  std::span<const std::byte> span() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t size_;
};

/// Runs `action` and gives the error it throws; its code is 0 if it throws none.
template <typename Action>
Error error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return Error(static_cast<ErrorCode>(0), "no error");
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

/// Reads everything that a parsed file offers, so that a view outside the file shows under a
/// sanitizer.
inline std::uint64_t touch_everything(const GgufPart& part) {
  std::uint64_t sum = part.metadata.size();
  for (const TensorView& tensor : part.tensors.all()) {
    sum += tensor.elements() + tensor.row_bytes() + tensor.name.size();
    for (const std::byte byte : tensor.bytes) sum += static_cast<std::uint64_t>(byte);
  }
  for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.merges"}) {
    const MetadataValue* value = part.metadata.find(key);
    const auto* strings =
        value != nullptr ? std::get_if<std::vector<std::string_view>>(value) : nullptr;
    if (strings == nullptr) continue;
    for (const std::string_view text : *strings) {
      for (const char c : text) sum += static_cast<unsigned char>(c);
    }
  }
  return sum;
}

}  // namespace gemma4::test
