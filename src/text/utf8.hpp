// UTF-8, read from bytes that may be anything.
#pragma once

#include <cstddef>
#include <string_view>

namespace gemma4 {

/// One step through a text: a code point and the bytes it takes. Where the bytes are no valid UTF-8
/// (overlong forms, surrogates and values above U+10FFFF included), `value` is kInvalidCodePoint
/// and `bytes` is 1.
struct CodePoint {
  char32_t value;
  std::size_t bytes;
};

inline constexpr char32_t kInvalidCodePoint = 0x110000;

/// The values a sequence's second byte may have; the first byte decides. An empty range for bytes
/// that begin nothing.
struct SecondByteRange {
  unsigned char low, high;
};

constexpr SecondByteRange second_byte_range(unsigned char first) {
  if (first < 0xc2 || first > 0xf4) return {1, 0};
  if (first == 0xe0) return {0xa0, 0xbf};  // below: overlong
  if (first == 0xed) return {0x80, 0x9f};  // above: surrogates
  if (first == 0xf0) return {0x90, 0xbf};  // below: overlong
  if (first == 0xf4) return {0x80, 0x8f};  // above: beyond U+10FFFF
  return {0x80, 0xbf};
}

/// Bytes in the sequence that `first` (0xc2 ... 0xf4) begins.
constexpr std::size_t sequence_bytes(unsigned char first) {
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/// The code point at text[position]; position < text.size().
inline CodePoint code_point_at(std::string_view text, std::size_t position) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[position + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const CodePoint invalid{kInvalidCodePoint, 1};
  const SecondByteRange second = second_byte_range(first);
  const std::size_t bytes = sequence_bytes(first);
  if (second.low > second.high || text.size() - position < bytes) return invalid;
  if (byte(1) < second.low || byte(1) > second.high) return invalid;
  char32_t value = first & (0xffu >> (bytes + 1));
  value = value << 6 | (byte(1) & 0x3fu);
  for (std::size_t i = 2; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return invalid;
    value = value << 6 | (byte(i) & 0x3fu);
  }
  return {value, bytes};
}

bool is_valid_utf8(std::string_view text);

/// `text` without whitespace at its ends; Unicode whitespace as Python's str.strip() sees it, since
/// templates use that.
std::string_view trim(std::string_view text);

}  // namespace gemma4
