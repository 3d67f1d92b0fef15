// UTF-8 steps, trimming, and the stream that never gives out half a character.
#include "text/utf8.hpp"
#include "text/fixtures.hpp"

namespace gemma4::test {
namespace {

/// The bytes through a stream in pieces of `size`, with what waits shown at the end.
std::string streamed(std::string_view bytes, std::size_t size) {
  Utf8Stream stream;
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += size) {
    stream.feed(bytes.substr(i, size), out);
    CHECK(is_valid_utf8(out));
  }
  stream.flush(out);
  return out;
}

}  // namespace

TEST_CASE("code points and their limits") {
  const auto value = [](std::string_view text) { return code_point_at(text, 0).value; };
  CHECK(value("a") == U'a');
  CHECK(value("\xc2\x80") == 0x80);
  CHECK(value("\xe2\x96\x81") == 0x2581);
  CHECK(value("\xf4\x8f\xbf\xbf") == 0x10ffff);
  for (const char* invalid :
       {"\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xef\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    CHECK(value(invalid) == kInvalidCodePoint);
    CHECK(code_point_at(invalid, 0).bytes == 1);
    CHECK_FALSE(is_valid_utf8(invalid));
  }
}

TEST_CASE("a stream gives the same text however it is cut") {
  // Replacement characters as Python's bytes.decode(errors="replace") puts them.
  const std::pair<std::string, std::string> cases[] = {
      {"plain", "plain"},
      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
      {"a\x80z", "a\xef\xbf\xbdz"},
      {"\xe2\x82", "\xef\xbf\xbd"},
      {"\xe2\x82z", "\xef\xbf\xbdz"},
      {"\xe2\xe2\x82\xac", "\xef\xbf\xbd\xe2\x82\xac"},
      {"\xf0\x9f\x98", "\xef\xbf\xbd"},
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xc3\xc3\xa9", "\xef\xbf\xbd\xc3\xa9"},
  };
  for (const auto& [bytes, text] : cases) {
    for (std::size_t size = 1; size <= bytes.size(); ++size) CHECK(streamed(bytes, size) == text);
  }
}

TEST_CASE("at most three bytes wait") {
  Utf8Stream stream;
  std::string out;
  stream.feed("a\xf0\x9f\x98", out);
  CHECK(out == "a");
  stream.feed("\x80z", out);
  CHECK(out == "a\xf0\x9f\x98\x80z");
}

TEST_CASE("trimming knows Unicode's spaces") {
  CHECK(trim("  a b \n") == "a b");
  CHECK(trim("\xe3\x80\x80\xc2\xa0x\xe2\x80\x83") == "x");
  CHECK(trim(" \t\r\n").empty());
  CHECK(trim("").empty());
  CHECK(trim("\xe2\x80\x8bx") == "\xe2\x80\x8bx");  // a zero-width space is none
  CHECK(trim("\x80 ") == "\x80");
}

}  // namespace gemma4::test
