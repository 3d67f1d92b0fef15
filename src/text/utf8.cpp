#include "text/utf8.hpp"

#include <string>

#include "text/tokenizer.hpp"

namespace gemma4 {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

bool is_whitespace(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (point.value == kInvalidCodePoint) return false;
    i += point.bytes;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = code_point_at(text, 0);
    if (!is_whitespace(point.value)) break;
    text.remove_prefix(point.bytes);
  }
  while (!text.empty()) {
    // Step back over at most three continuation bytes to the last character's first byte.
    std::size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 &&
           (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80) {
      --start;
    }
    const CodePoint point = code_point_at(text, start);
    if (!is_whitespace(point.value) || start + point.bytes != text.size()) break;
    text.remove_suffix(point.bytes);
  }
  return text;
}

void Utf8Stream::feed(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (pending_bytes_ > 0) {
      const SecondByteRange range =
          pending_bytes_ == 1 ? second_byte_range(pending_[0]) : SecondByteRange{0x80, 0xbf};
      if (byte >= range.low && byte <= range.high) {
        pending_[pending_bytes_++] = byte;
        const int needed = static_cast<int>(sequence_bytes(pending_[0]));
        if (pending_bytes_ == needed) {
          out.append(reinterpret_cast<const char*>(pending_), static_cast<std::size_t>(needed));
          pending_bytes_ = 0;
        }
        continue;
      }
      flush(out);  // the sequence broke off; this byte starts afresh
    }
    if (byte < 0x80) {
      out += c;
    } else if (const SecondByteRange range = second_byte_range(byte); range.low <= range.high) {
      pending_[0] = byte;
      pending_bytes_ = 1;
    } else {
      out += kReplacement;
    }
  }
}

void Utf8Stream::flush(std::string& out) {
  if (pending_bytes_ > 0) out += kReplacement;
  pending_bytes_ = 0;
}

}  // namespace gemma4
