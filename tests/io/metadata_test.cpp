#include "io/metadata.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "io/io_test_helpers.hpp"

using namespace gemma4;
using namespace gemma4::test;

namespace {

Metadata sample() {
  Metadata metadata("model.gguf");
  metadata.add("unsigned", std::uint64_t{7});
  metadata.add("signed", std::int64_t{5});
  metadata.add("negative", std::int64_t{-5});
  metadata.add("real", 0.5);
  metadata.add("flag", true);
  metadata.add("text", std::string_view("hello"));
  metadata.add("unsigned array", std::vector<std::uint64_t>{1, 0});
  metadata.add("signed array", std::vector<std::int64_t>{0, 1, 2});
  metadata.add("negative array", std::vector<std::int64_t>{1, -2});
  metadata.add("real array", std::vector<double>{1.0});
  metadata.add("flag array", std::vector<bool>{true, false});
  metadata.add("text array", std::vector<std::string_view>{"a", "b"});
  metadata.add("empty array", std::vector<std::int64_t>{});
  return metadata;
}

/// Checks that a getter refuses `key` with everything a reader needs to find the place.
template <typename Get>
void check_refused(Get&& get, std::string_view key, std::string_view found) {
  CAPTURE(key);
  const Error error = error_of([&] { get(key); });
  CHECK(error.code() == ErrorCode::format);
  CHECK(contains(error.what(), "model.gguf"));
  CHECK(contains(error.what(), key));
  CHECK(contains(error.what(), "expected"));
  CHECK(contains(error.what(), found));
}

}  // namespace

TEST_CASE("keys are unique and may be absent") {
  Metadata metadata = sample();
  CHECK_FALSE(metadata.add("text", std::uint64_t{1}));
  CHECK(metadata.text("text") == "hello");
  CHECK(metadata.has("flag"));
  CHECK_FALSE(metadata.has("fla"));
  CHECK(metadata.size() == 13);
  CHECK(metadata.all().begin()->first == "empty array");
  CHECK(metadata.file() == "model.gguf");
  CHECK_FALSE(metadata.unsigned_integer("absent").has_value());
  CHECK_FALSE(metadata.real("absent").has_value());
  CHECK_FALSE(metadata.boolean("absent").has_value());
  CHECK_FALSE(metadata.text("absent").has_value());
  CHECK_FALSE(metadata.unsigned_array("absent").has_value());
  CHECK_FALSE(metadata.boolean_array("absent").has_value());
  CHECK(metadata.text_array("absent") == nullptr);
}

TEST_CASE("integers of either sign are accepted where they fit") {
  const Metadata metadata = sample();
  CHECK(metadata.unsigned_integer("unsigned") == 7u);
  CHECK(metadata.unsigned_integer("signed") == 5u);
  const auto get = [&](std::string_view key) { metadata.unsigned_integer(key); };
  check_refused(get, "negative", "-5");
  check_refused(get, "real", "a real number");
  check_refused(get, "flag", "a boolean");
  check_refused(get, "text", "a string");
  check_refused(get, "unsigned array", "an array of unsigned integers");
}

TEST_CASE("a real number may be written as an integer") {
  const Metadata metadata = sample();
  CHECK(metadata.real("real") == 0.5);
  CHECK(metadata.real("unsigned") == 7.0);
  CHECK(metadata.real("negative") == -5.0);
  const auto get = [&](std::string_view key) { metadata.real(key); };
  check_refused(get, "flag", "a boolean");
  check_refused(get, "text", "a string");
  check_refused(get, "real array", "an array of real numbers");
}

TEST_CASE("booleans and strings are what they are") {
  const Metadata metadata = sample();
  CHECK(metadata.boolean("flag") == true);
  check_refused([&](std::string_view key) { metadata.boolean(key); }, "unsigned",
                "an unsigned integer");
  CHECK(metadata.text("text") == "hello");
  check_refused([&](std::string_view key) { metadata.text(key); }, "signed", "a signed integer");
  check_refused([&](std::string_view key) { metadata.text(key); }, "text array",
                "an array of strings");
}

TEST_CASE("an array of integers may be one integer") {
  const Metadata metadata = sample();
  CHECK(metadata.unsigned_array("unsigned array") == std::vector<std::uint64_t>{1, 0});
  CHECK(metadata.unsigned_array("signed array") == std::vector<std::uint64_t>{0, 1, 2});
  CHECK(metadata.unsigned_array("unsigned") == std::vector<std::uint64_t>{7});
  CHECK(metadata.unsigned_array("signed") == std::vector<std::uint64_t>{5});
  CHECK(metadata.unsigned_array("empty array")->empty());
  const auto get = [&](std::string_view key) { metadata.unsigned_array(key); };
  check_refused(get, "negative array", "-2 as element 1");
  check_refused(get, "negative", "-5");
  check_refused(get, "real array", "an array of real numbers");
  check_refused(get, "flag array", "an array of booleans");
}

TEST_CASE("an array of booleans may be integers 0 and 1") {
  const Metadata metadata = sample();
  CHECK(metadata.boolean_array("flag array") == std::vector<bool>{true, false});
  CHECK(metadata.boolean_array("unsigned array") == std::vector<bool>{true, false});
  const auto get = [&](std::string_view key) { metadata.boolean_array(key); };
  check_refused(get, "signed array", "2 as element 2");
  check_refused(get, "negative array", "-2 as element 1");
  check_refused(get, "text array", "an array of strings");
  check_refused(get, "flag", "a boolean");
}

TEST_CASE("an array of strings") {
  const Metadata metadata = sample();
  REQUIRE(metadata.text_array("text array") != nullptr);
  CHECK(*metadata.text_array("text array") == std::vector<std::string_view>{"a", "b"});
  check_refused([&](std::string_view key) { metadata.text_array(key); }, "text", "a string");
}
