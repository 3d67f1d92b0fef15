// Checkpoints in several files.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "io/gguf.hpp"
#include "io/gguf_writer.hpp"
#include "io/io_test_helpers.hpp"
#include "io/temporary_folder.hpp"

using namespace gemma4;
using namespace gemma4::test;

namespace {

constexpr int kParts = 3;

std::string part_name(int number, int count = kParts) {
  char name[40];
  std::snprintf(name, sizeof name, "model-%05d-of-%05d.gguf", number, count);
  return name;
}

/// Three parts with two tensors each; a test changes one of them before they are written.
struct SplitModel {
  struct Part {
    std::uint16_t number = 0;
    std::uint16_t count = kParts;
    std::int32_t tensors = 2 * kParts;
    std::vector<std::string> names;
  };
  std::vector<Part> parts;

  SplitModel() {
    for (int i = 0; i < kParts; ++i) {
      const std::string prefix = "blk." + std::to_string(i);
      parts.push_back(
          {static_cast<std::uint16_t>(i), kParts, 2 * kParts, {prefix + ".a", prefix + ".b"}});
    }
  }

  void write(const TemporaryFolder& folder) const {
    for (int i = 0; i < kParts; ++i) {
      const Part& part = parts[static_cast<std::size_t>(i)];
      GgufWriter writer;
      writer.value("split.no", part.number).value("split.count", part.count);
      writer.value("split.tensors.count", part.tensors);
      if (i == 0) writer.text("general.architecture", "gemma4");
      for (const std::string& name : part.names) writer.tensor(name, {32}, TensorType::q8_0);
      folder.write(part_name(i + 1), writer.bytes());
    }
  }

  /// Writes the parts, opens one of them and checks that it is refused with a message that names
  /// `item`.
  void check_refused(const char* item, int named = 1, ErrorCode code = ErrorCode::format) const {
    const TemporaryFolder folder;
    write(folder);
    const Error error = error_of([&] { open_gguf(folder.path(part_name(named))); });
    CAPTURE(error.what());
    CHECK(error.code() == code);
    CHECK(contains(error.what(), item));
    CHECK(contains(error.what(), "model-0000"));
  }
};

}  // namespace

TEST_CASE("any part may be named") {
  const TemporaryFolder folder;
  SplitModel().write(folder);
  for (int named = 1; named <= kParts; ++named) {
    const Checkpoint file = open_gguf(folder.path(part_name(named)));
    REQUIRE(file.files.size() == kParts);
    CHECK(file.files[0].path() == folder.path(part_name(1)));
    CHECK(file.metadata.text("general.architecture") == "gemma4");
    REQUIRE(file.tensors.all().size() == 2 * kParts);
    CHECK(file.tensors.all()[5].name == "blk.2.b");
    for (const TensorView& tensor : file.tensors.all()) CHECK(tensor.bytes.size() == 34);
    std::uint64_t bytes = 0;
    for (const MappedFile& part : file.files) bytes += part.bytes().size();
    CHECK(file.file_bytes == bytes);
  }
}

TEST_CASE("a split into one part is a whole file, whatever its name") {
  const TemporaryFolder folder;
  GgufWriter writer;
  writer.value("split.no", std::uint16_t{0}).value("split.count", std::uint16_t{1});
  writer.tensor("t", {4}, TensorType::f32);
  CHECK(open_gguf(folder.write("one.gguf", writer.bytes())).tensors.all().size() == 1);
}

TEST_CASE("the name alone does not make a split") {
  const TemporaryFolder folder;
  const std::string path =
      folder.write(part_name(1), GgufWriter().tensor("t", {4}, TensorType::f32).bytes());
  CHECK(open_gguf(path).files.size() == 1);
}

TEST_CASE("a missing part is an io error that names it") {
  const TemporaryFolder folder;
  SplitModel().write(folder);
  std::filesystem::remove(folder.path(part_name(2)));
  const Error error = error_of([&] { open_gguf(folder.path(part_name(1))); });
  CHECK(error.code() == ErrorCode::io);
  CHECK(contains(error.what(), part_name(2)));
}

TEST_CASE("a split file under another name is refused") {
  const TemporaryFolder folder;
  SplitModel().write(folder);
  for (const char* name :
       {"renamed.gguf", "model-1-of-3.gguf", "model-00001-of-00003", "x-0000a-of-00003.gguf",
        "model_00001-of-00003.gguf", ".gguf", "00001-of-00003.gguf", "model-00000-of-00003.gguf",
        "model-00007-of-00003.gguf"}) {
    CAPTURE(name);
    std::filesystem::copy_file(folder.path(part_name(1)), folder.path(name));
    const Error error = error_of([&] { open_gguf(folder.path(name)); });
    CHECK(error.code() == ErrorCode::format);
    CHECK(contains(error.what(), name));
    CHECK(contains(error.what(), "file name"));
  }
}

TEST_CASE("parts that contradict the name, each other or the total are refused") {
  SplitModel swapped;
  std::swap(swapped.parts[1].number, swapped.parts[2].number);
  swapped.check_refused("split.no");

  SplitModel count_differs_from_name;
  count_differs_from_name.parts[0].count = 4;
  count_differs_from_name.check_refused("split.count");

  SplitModel counts_differ;
  counts_differ.parts[2].count = 4;
  counts_differ.check_refused("split.count");

  SplitModel wrong_total;
  wrong_total.parts[0].tensors = 7;
  wrong_total.check_refused("split.tensors.count");

  SplitModel negative_total;
  negative_total.parts[0].tensors = -6;
  negative_total.check_refused("split.tensors.count");

  SplitModel duplicate;
  duplicate.parts[2].names[0] = "blk.0.a";
  duplicate.check_refused("blk.0.a");
}

TEST_CASE("a part that is damaged is refused by its own name") {
  const TemporaryFolder folder;
  SplitModel().write(folder);
  const std::string path = folder.path(part_name(3));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const Error error = error_of([&] { open_gguf(folder.path(part_name(1))); });
  CHECK(error.code() == ErrorCode::format);
  CHECK(contains(error.what(), part_name(3)));
}

TEST_CASE("a part without split keys is refused") {
  const TemporaryFolder folder;
  SplitModel().write(folder);
  folder.write(part_name(2), GgufWriter().tensor("t", {4}, TensorType::f32).bytes());
  const Error error = error_of([&] { open_gguf(folder.path(part_name(3))); });
  CHECK(error.code() == ErrorCode::format);
  CHECK(contains(error.what(), "no such key"));
}
