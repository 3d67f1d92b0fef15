// The key-value section of a GGUF file, built in memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "io/metadata.hpp"

namespace gemma4::synthetic {

/// Appends a number in the file's byte order, which is this machine's (io/byte_reader.hpp makes
/// sure).
template <typename T>
void append_number(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void append_string(std::string& out, std::string_view text);

class KeyWriter {
 public:
  void u32(std::string_view key, std::uint64_t value);
  void i32(std::string_view key, std::int32_t value);
  void f32(std::string_view key, double value);
  void boolean(std::string_view key, bool value);
  void text(std::string_view key, std::string_view value);
  void i32_array(std::string_view key, const std::vector<std::int32_t>& values);
  void f32_array(std::string_view key, const std::vector<float>& values);
  void boolean_array(std::string_view key, const std::vector<bool>& values);
  void text_array(std::string_view key, const std::vector<std::string_view>& values);

  /// A value that was read from another file, in the narrowest of the types that Gemma 4 files use.
  void copy(std::string_view key, const MetadataValue& value);

  /// All keys of another writer, behind the own ones.
  void append(const KeyWriter& other);

  const std::string& bytes() const { return bytes_; }
  std::uint64_t count() const { return count_; }

 private:
  void start(std::string_view key, std::uint32_t type);
  void start_array(std::string_view key, std::uint32_t type, std::uint64_t count);

  std::string bytes_;
  std::uint64_t count_ = 0;
};

}  // namespace gemma4::synthetic
