#include "key_writer.hpp"

#include <type_traits>
#include <variant>

namespace gemma4::synthetic {
namespace {

// GGUF's numbers of its value types.
constexpr std::uint32_t kU32 = 4;
constexpr std::uint32_t kI32 = 5;
constexpr std::uint32_t kF32 = 6;
constexpr std::uint32_t kBool = 7;
constexpr std::uint32_t kString = 8;
constexpr std::uint32_t kArray = 9;

}  // namespace

void append_string(std::string& out, std::string_view text) {
  append_number<std::uint64_t>(out, text.size());
  out += text;
}

void KeyWriter::start(std::string_view key, std::uint32_t type) {
  append_string(bytes_, key);
  append_number(bytes_, type);
  ++count_;
}

void KeyWriter::start_array(std::string_view key, std::uint32_t type, std::uint64_t count) {
  start(key, kArray);
  append_number(bytes_, type);
  append_number(bytes_, count);
}

void KeyWriter::u32(std::string_view key, std::uint64_t value) {
  start(key, kU32);
  append_number(bytes_, static_cast<std::uint32_t>(value));
}

void KeyWriter::i32(std::string_view key, std::int32_t value) {
  start(key, kI32);
  append_number(bytes_, value);
}

void KeyWriter::f32(std::string_view key, double value) {
  start(key, kF32);
  append_number(bytes_, static_cast<float>(value));
}

void KeyWriter::boolean(std::string_view key, bool value) {
  start(key, kBool);
  append_number<std::uint8_t>(bytes_, value ? 1 : 0);
}

void KeyWriter::text(std::string_view key, std::string_view value) {
  start(key, kString);
  append_string(bytes_, value);
}

void KeyWriter::i32_array(std::string_view key, const std::vector<std::int32_t>& values) {
  start_array(key, kI32, values.size());
  for (const std::int32_t value : values) append_number(bytes_, value);
}

void KeyWriter::f32_array(std::string_view key, const std::vector<float>& values) {
  start_array(key, kF32, values.size());
  for (const float value : values) append_number(bytes_, value);
}

void KeyWriter::boolean_array(std::string_view key, const std::vector<bool>& values) {
  start_array(key, kBool, values.size());
  for (const bool value : values) append_number<std::uint8_t>(bytes_, value ? 1 : 0);
}

void KeyWriter::text_array(std::string_view key, const std::vector<std::string_view>& values) {
  start_array(key, kString, values.size());
  for (const std::string_view value : values) append_string(bytes_, value);
}

void KeyWriter::append(const KeyWriter& other) {
  bytes_ += other.bytes_;
  count_ += other.count_;
}

void KeyWriter::copy(std::string_view key, const MetadataValue& value) {
  std::visit(
      [&](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::uint64_t>) {
          u32(key, held);
        } else if constexpr (std::is_same_v<Held, std::int64_t>) {
          i32(key, static_cast<std::int32_t>(held));
        } else if constexpr (std::is_same_v<Held, double>) {
          f32(key, held);
        } else if constexpr (std::is_same_v<Held, bool>) {
          boolean(key, held);
        } else if constexpr (std::is_same_v<Held, std::string_view>) {
          text(key, held);
        } else if constexpr (std::is_same_v<Held, std::vector<bool>>) {
          boolean_array(key, held);
        } else if constexpr (std::is_same_v<Held, std::vector<std::string_view>>) {
          text_array(key, held);
        } else if constexpr (std::is_same_v<Held, std::vector<double>>) {
          f32_array(key, std::vector<float>(held.begin(), held.end()));
        } else {
          i32_array(key, std::vector<std::int32_t>(held.begin(), held.end()));
        }
      },
      value);
}

}  // namespace gemma4::synthetic
