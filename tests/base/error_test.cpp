#include "base/error.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>

using namespace gemma4;

TEST_CASE("every code has a name of its own") {
  for (int code = 1; code <= 9; ++code) {
    const char* name = error_code_name(static_cast<ErrorCode>(code));
    CHECK(std::strcmp(name, "unknown") != 0);
    for (int other = 1; other < code; ++other) {
      CHECK(std::strcmp(name, error_code_name(static_cast<ErrorCode>(other))) != 0);
    }
  }
  CHECK(std::string(error_code_name(static_cast<ErrorCode>(0))) == "unknown");
}

TEST_CASE("formatting takes any length") {
  CHECK(format_text("%s", "").empty());
  CHECK(format_text("%d of %s", 3, "x") == "3 of x");
  const std::string large(10000, 'y');
  CHECK(format_text("%s!", large.c_str()) == large + "!");
}

TEST_CASE("fail throws the code and the message") {
  try {
    fail(ErrorCode::format, "a message");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::format);
    CHECK(std::string(error.what()) == "a message");
  }
}

TEST_CASE("quoted text from a file is printable and short") {
  CHECK(in_quotes("plain text") == "\"plain text\"");
  CHECK(in_quotes(std::string_view("a\0\n\"\\\xff", 6)) == "\"a\\x00\\x0a\\x22\\x5c\\xff\"");
  CHECK(in_quotes("abcdef", 3) == "\"abc...\"");
  CHECK(in_quotes("abc", 3) == "\"abc\"");
  CHECK(in_quotes("") == "\"\"");
}
