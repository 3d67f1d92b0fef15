// Patterns as Python's re.match takes them.
#include "weights/name_pattern.hpp"

#include <doctest/doctest.h>

#include <string>

#include "io/io_test_helpers.hpp"

namespace gemma4::test {
namespace {

bool matches(std::string_view pattern, std::string_view name) {
  return NamePattern(pattern).matches(name);
}

}  // namespace

TEST_CASE("a pattern matches from the start, not to the end") {
  CHECK(matches("lm", "lm_head"));
  CHECK_FALSE(matches("head", "lm_head"));
  CHECK(matches(".*head", "lm_head"));
  CHECK_FALSE(matches("lm$", "lm_head"));
  CHECK(matches("^lm_head$", "lm_head"));
  CHECK(matches("", ""));
  CHECK(matches("$", ""));
  CHECK_FALSE(matches("a", ""));
}

TEST_CASE("patterns of published recipes") {
  const char* name = "model.language_model.layers.11.self_attn.q_proj";
  CHECK(matches(".*self_attn.*", name));
  CHECK(matches(".*\\.layers\\.\\d+\\.self_attn\\.(q|k|v)_proj$", name));
  CHECK_FALSE(matches(".*\\.layers\\.\\d\\.self_attn.*", name));
  CHECK(matches("model\\.language_model\\.layers\\.(1|11|111)\\.", name));
  CHECK(matches(".*(vision_tower|audio_tower|self_attn).*", name));
  CHECK_FALSE(matches(".*(?:vision_tower|audio_tower).*", name));
}

TEST_CASE("classes, repetitions, alternatives") {
  CHECK(matches("[a-c_]+$", "ab_c"));
  CHECK_FALSE(matches("[a-c_]+$", "abd"));
  CHECK(matches("[^0-9]+$", "ab"));
  CHECK_FALSE(matches("[^0-9]+$", "a1"));
  CHECK(matches("[]x]+$", "]x"));
  CHECK(matches("[a\\]-]+$", "a]-"));
  CHECK(matches("ab?c", "ac"));
  CHECK(matches("ab*?c", "abbc"));
  CHECK_FALSE(matches("ab+c", "ac"));
  CHECK(matches("(ab|cd)+$", "abcdab"));
  CHECK_FALSE(matches("(ab|cd)+$", "abc"));
  CHECK(matches("a|", "b"));
  CHECK(matches("((a*)*)*b", "aab"));
  CHECK(matches("\\w+\\s\\S\\W\\D$", "a_1 x-y"));
}

TEST_CASE("no pattern takes long") {
  const std::string name(20'000, 'a');
  CHECK_FALSE(matches("(a+)+(a+)+(a|aa)*(a*)*b$", name));
  CHECK_FALSE(
      matches(std::string(200, '(').substr(0, 60) + "a*" + std::string(60, ')') + "*b", name));
}

TEST_CASE("what is not understood is refused") {
  for (const char* pattern :
       {"(", ")", "[a", "a{2}", "(?=a)", "(?P<n>a)", "*a", "\\b", "\\1", "\\", "[z-a]", "a|*"}) {
    const Error error = error_of([&] { NamePattern{pattern}; });
    CAPTURE(pattern);
    CHECK(error.code() == ErrorCode::unsupported);
  }
  CHECK(error_of([] { NamePattern(std::string(2000, 'a')); }).code() == ErrorCode::unsupported);
  CHECK(error_of([] { NamePattern(std::string(500, '(')); }).code() == ErrorCode::unsupported);
}

}  // namespace gemma4::test
