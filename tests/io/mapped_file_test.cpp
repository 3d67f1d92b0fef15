#include "io/mapped_file.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <utility>

#include "io/io_test_helpers.hpp"
#include "io/temporary_folder.hpp"

#if !defined(_WIN32)
#include <sys/stat.h>
#endif

using namespace gemma4;
using namespace gemma4::test;

namespace {

std::string text_of(const MappedFile& file) {
  return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
}

}  // namespace

TEST_CASE("a mapped file shows the file's bytes") {
  const TemporaryFolder folder;
  const std::string content = std::string("some\0bytes", 10) + std::string(10000, 'x');
  const std::string path = folder.write("file", content);
  const MappedFile file(path);
  CHECK(text_of(file) == content);
  CHECK(file.path() == path);
}

TEST_CASE("names outside ASCII work") {
  const TemporaryFolder folder;
  const MappedFile file(folder.write("Bär \xe2\x96\x81.gguf", "x"));
  CHECK(text_of(file) == "x");
}

TEST_CASE("moving keeps the mapping") {
  const TemporaryFolder folder;
  MappedFile first(folder.write("first", "one"));
  MappedFile second(folder.write("second", "two"));
  MappedFile third(std::move(first));
  CHECK(text_of(third) == "one");
  third = std::move(second);
  CHECK(text_of(third) == "two");
  CHECK(third.path() == folder.path("second"));
}

TEST_CASE("dropped pages can be read again") {
  const TemporaryFolder folder;
  std::string content(1 << 16, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7);
  const MappedFile file(folder.write("file", content));
  const std::span<const std::byte> bytes = file.bytes();
  file.drop(bytes);
  file.drop(bytes.subspan(1, 10000));
  file.drop(bytes.subspan(5000, 3));
  file.drop(bytes.subspan(bytes.size()));
  CHECK(text_of(file) == content);
}

TEST_CASE("what cannot be mapped is an io error that names the file and the reason") {
  const TemporaryFolder folder;
  const auto error_for = [](const std::string& path) {
    const Error error = error_of([&] { MappedFile file(path); });
    CHECK(error.code() == ErrorCode::io);
    CHECK(contains(error.what(), path));
    return std::string(error.what());
  };
  CHECK(contains(error_for(folder.path("missing.gguf")), "cannot open"));
  CHECK(contains(error_for(folder.path(".")), "directory"));
  CHECK(contains(error_for(folder.write("empty", "")), "empty"));
  error_for("");
#if !defined(_WIN32)
  const std::string pipe = folder.path("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(contains(error_for(pipe), "not a regular file"));
  error_for(folder.write("file", "x") + "/inside");
#endif
}
