// Little-endian values from untrusted bytes: every read is checked against the end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gemma4 {

static_assert(std::endian::native == std::endian::little,
              "files are read in place; they are little-endian");

class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, const std::string& file)
      : bytes_(bytes), file_(file) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t remaining_bytes() const { return bytes_.size() - position_; }

  /// What is being read, for error messages: `kind` "key" or "tensor", `name` from the file.
  void set_item(const char* kind, std::string_view name) {
    item_kind_ = kind;
    item_name_ = name;
  }

  /// Throws Error(code, "<file>: <item>: <message>").
  [[noreturn]] void refuse(ErrorCode code, const std::string& message) const {
    std::string text = file_ + ": ";
    if (item_kind_ != nullptr) text += std::string(item_kind_) + " " + in_quotes(item_name_) + ": ";
    fail(code, text + message);
  }

  /// Throws Error(format) about a value that is not what it must be.
  [[noreturn]] void mismatch(const std::string& what, const std::string& expected,
                             const std::string& found) const {
    refuse(ErrorCode::format, what + ": expected " + expected + ", found " + found);
  }
  [[noreturn]] void mismatch(const std::string& what, const std::string& expected,
                             std::uint64_t found) const {
    mismatch(what, expected, std::to_string(found));
  }

  /// The next `count` bytes; `what` names them in the message when the file ends before.
  std::span<const std::byte> take(std::uint64_t count, const char* what) {
    if (count > remaining_bytes()) {
      mismatch(what, std::to_string(count) + " bytes at byte " + std::to_string(position_),
               "the end of the file after " + std::to_string(remaining_bytes()));
    }
    const std::span<const std::byte> taken =
        bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += taken.size();
    return taken;
  }

  template <typename T>
  T number(const char* what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  /// A GGUF string: u64 length, then the bytes. The view points into the file.
  std::string_view string(const char* what) {
    const std::uint64_t length = number<std::uint64_t>(what);
    const std::span<const std::byte> text = take(length, what);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& file_;
  std::size_t position_ = 0;
  const char* item_kind_ = nullptr;
  std::string_view item_name_;
};

}  // namespace gemma4
