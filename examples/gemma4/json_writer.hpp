// Writes one JSON text, correct by construction: commas, escapes, numbers that read back to the
// same value.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// Use: JsonWriter json; json.object().key("a").value(1).key("b").array().value("x").end().end();
/// json.text().
class JsonWriter {
 public:
  JsonWriter& object() { return open('{', '}'); }
  JsonWriter& array() { return open('[', ']'); }

  /// Closes the innermost object or array.
  JsonWriter& end() {
    text_ += closers_.back();
    closers_.pop_back();
    comma_ = true;
    return *this;
  }

  JsonWriter& key(std::string_view name) {
    value(name);
    text_ += ':';
    comma_ = false;
    return *this;
  }

  JsonWriter& value(std::string_view text) {
    separate();
    append_string(text);
    return *this;
  }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth) { return literal(truth ? "true" : "false"); }

  /// Shortest text that reads back to the same number of the same type; JSON has no infinity and no
  /// NaN: null.
  template <class Number>
  requires std::integral<Number> || std::floating_point<Number> JsonWriter& value(Number number) {
    if constexpr (std::floating_point<Number>) {
      if (!std::isfinite(number)) return literal("null");
    }
    char digits[40];
    const auto result = std::to_chars(digits, digits + sizeof digits, number);
    return literal(std::string_view(digits, static_cast<std::size_t>(result.ptr - digits)));
  }

  template <class Item>
  JsonWriter& values(const std::vector<Item>& items) {
    array();
    for (const Item& item : items) value(item);
    return end();
  }

  /// key() and value() in one.
  template <class Value>
  JsonWriter& pair(std::string_view name, const Value& content) {
    return key(name).value(content);
  }

  const std::string& text() const { return text_; }

 private:
  JsonWriter& open(char opener, char closer) {
    separate();
    text_ += opener;
    closers_ += closer;
    comma_ = false;
    return *this;
  }

  JsonWriter& literal(std::string_view text) {
    separate();
    text_ += text;
    return *this;
  }

  void separate() {
    if (comma_) text_ += ',';
    comma_ = true;
  }

  // Length of the well-formed UTF-8 sequence at the front of `text`, 0 when there is none.
  static std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) {
      return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4) return 0;
    for (std::size_t i = 1; i < length; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    const unsigned second = byte(1);  // overlong forms, surrogates, beyond U+10FFFF
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
    return length;
  }

  void append_string(std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    text_ += '"';
    while (!text.empty()) {
      const auto first = static_cast<unsigned char>(text[0]);
      const std::size_t length = sequence_length(text);
      if (first == '"' || first == '\\') {
        text_ += '\\';
        text_ += text[0];
      } else if (first == '\n') {
        text_ += "\\n";
      } else if (first < 0x20 || first == 0x7f) {
        text_ += "\\u00";
        text_ += kHex[first >> 4];
        text_ += kHex[first & 15];
      } else if (length == 0) {
        text_ += "\xef\xbf\xbd";  // U+FFFD for each byte that belongs to no character
      } else {
        text_ += text.substr(0, length);
      }
      text.remove_prefix(length == 0 ? 1 : length);
    }
    text_ += '"';
  }

  std::string text_, closers_;
  bool comma_ = false;
};

}  // namespace cli
