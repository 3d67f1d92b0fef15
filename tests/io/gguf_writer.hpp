// Builds GGUF files in memory for tests: well-formed ones by default, any kind of broken one on
// request.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "io/tensor_types.hpp"

namespace gemma4::test {

template <typename T>
void append_number(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

inline void append_string(std::string& out, std::string_view text) {
  append_number<std::uint64_t>(out, text.size());
  out += text;
}

/// GGUF's number of a C++ type.
template <typename T>
constexpr std::uint32_t gguf_value_type() {
  if constexpr (std::is_same_v<T, bool>)
    return 7;
  else if constexpr (std::is_same_v<T, float>)
    return 6;
  else if constexpr (std::is_same_v<T, double>)
    return 12;
  else if constexpr (std::is_convertible_v<T, std::string_view>)
    return 8;
  else {
    static_assert(std::is_integral_v<T>);
    constexpr std::uint32_t kUnsigned[] = {0, 2, 4, 10};
    constexpr int width = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return kUnsigned[width] + (std::is_signed_v<T> ? 1 : 0);
  }
}

template <typename T>
void append_value(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>)
    append_number<std::uint8_t>(out, value ? 1 : 0);
  else if constexpr (std::is_arithmetic_v<T>)
    append_number(out, value);
  else
    append_string(out, value);
}

struct WrittenTensor {
  std::string name;
  std::vector<std::uint64_t> ne;
  std::uint32_t type = 0;
  std::string data;
  std::optional<std::uint64_t> offset;  ///< what the file says, instead of where the data is
};

class GgufWriter {
 public:
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t alignment =
      32;  ///< where sections and tensors are put; the key is written by align()
  std::optional<std::uint64_t> claimed_tensors;  ///< what the header says, instead of the truth
  std::optional<std::uint64_t> claimed_keys;
  std::vector<WrittenTensor> tensors;

  /// A number, boolean or string; the C++ type decides the type in the file.
  template <typename T>
  GgufWriter& value(std::string_view key, const T& value) {
    std::string bytes;
    append_value(bytes, value);
    return raw(key, gguf_value_type<T>(), bytes);
  }

  GgufWriter& text(std::string_view key, std::string_view value) { return this->value(key, value); }

  template <typename T>
  GgufWriter& array(std::string_view key, const std::vector<T>& values) {
    std::string bytes;
    append_number<std::uint32_t>(bytes, gguf_value_type<T>());
    append_number<std::uint64_t>(bytes, values.size());
    for (const T& element : values) append_value<T>(bytes, element);
    return raw(key, 9, bytes);
  }

  /// Any type number with any bytes after it.
  GgufWriter& raw(std::string_view key, std::uint32_t type, std::string_view bytes) {
    append_string(keys_, key);
    append_number(keys_, type);
    keys_ += bytes;
    ++key_count_;
    return *this;
  }

  GgufWriter& align(std::uint32_t bytes) {
    alignment = bytes;
    return value("general.alignment", bytes);
  }

  GgufWriter& tensor(std::string_view name, std::vector<std::uint64_t> ne, TensorType type,
                     std::string data) {
    tensors.push_back(
        {std::string(name), std::move(ne), static_cast<std::uint32_t>(type), std::move(data), {}});
    return *this;
  }

  /// A tensor of the right size with arbitrary content. The type must be a known one.
  GgufWriter& tensor(std::string_view name, std::vector<std::uint64_t> ne, TensorType type) {
    const TensorTypeTraits& traits = *tensor_type_traits(type);
    std::uint64_t bytes = ne[0] / traits.block_elements * traits.block_bytes;
    for (std::size_t i = 1; i < ne.size(); ++i) bytes *= ne[i];
    std::string data(static_cast<std::size_t>(bytes), '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>('a' + i % 26);
    return tensor(name, std::move(ne), type, std::move(data));
  }

  /// The file; it ends with the last tensor's last byte.
  std::string bytes() const {
    std::string out = magic;
    append_number(out, version);
    append_number(out, claimed_tensors.value_or(tensors.size()));
    append_number(out, claimed_keys.value_or(key_count_));
    out += keys_;
    std::string data;
    for (const WrittenTensor& tensor : tensors) {
      pad(data);
      append_string(out, tensor.name);
      append_number(out, static_cast<std::uint32_t>(tensor.ne.size()));
      for (const std::uint64_t n : tensor.ne) append_number(out, n);
      append_number(out, tensor.type);
      append_number(out, tensor.offset.value_or(data.size()));
      data += tensor.data;
    }
    if (!data.empty()) pad(out);
    return out + data;
  }

 private:
  void pad(std::string& bytes) const {
    while (bytes.size() % alignment != 0) bytes += '\0';
  }

  std::string keys_;
  std::uint64_t key_count_ = 0;
};

}  // namespace gemma4::test
