// Objects of JSON files: typed values, and errors that name the way to them.
#include "io/json_file.hpp"

#include <doctest/doctest.h>

#include "io/io_test_helpers.hpp"

namespace gemma4::test {
namespace {

constexpr std::string_view kText =
    R"({"n":7,"big":18446744073709551615,"less":-3,"part":1.5,"yes":true,"text":"\u00e4","none":null,)"
    R"("list":[1,2],"in":{"deep":{"n":"x"}}})";

}  // namespace

TEST_CASE("values by kind, absent and null alike") {
  const JsonFile file(std::as_bytes(std::span(kText)), "c.json");
  const JsonTable root = file.root();
  CHECK(root.integer("n") == 7u);
  CHECK(root.integer("big") == ~std::uint64_t{0});
  CHECK(root.real("n") == 7.0);
  CHECK(root.real("less") == -3.0);
  CHECK(root.boolean("yes") == true);
  CHECK(root.text("text") == "\xc3\xa4");
  CHECK(root.array("list")->size() == 2);
  CHECK(root.table("in")->table("deep")->text("n") == "x");
  for (const char* key : {"none", "gone"}) {
    CHECK_FALSE(root.integer(key));
    CHECK_FALSE(root.real(key));
    CHECK_FALSE(root.boolean(key));
    CHECK_FALSE(root.text(key));
    CHECK_FALSE(root.table(key));
    CHECK_FALSE(root.array(key));
  }
}

TEST_CASE("a value of another kind is refused by its way, expected and found") {
  const JsonFile file(std::as_bytes(std::span(kText)), "c.json");
  const JsonTable deep = *file.root().table("in")->table("deep");
  CHECK(std::string(error_of([&] { deep.integer("n"); }).what()) ==
        "c.json: \"in\".\"deep\".\"n\": expected an integer, found a string");
  const JsonTable root = file.root();
  CHECK(contains(error_of([&] { root.integer("less"); }).what(), "at least 0, found -3"));
  CHECK(contains(error_of([&] { root.integer("part"); }).what(), "found 1.5"));
  CHECK(contains(error_of([&] { root.real("yes"); }).what(), "found a boolean"));
  CHECK(contains(error_of([&] { root.boolean("n"); }).what(), "found a number"));
  CHECK(contains(error_of([&] { root.text("list"); }).what(), "found an array"));
  CHECK(contains(error_of([&] { root.table("none"), root.table("text"); }).what(), "an object"));
  CHECK(contains(error_of([&] { root.array("in"); }).what(), "found an object"));
}

}  // namespace gemma4::test
