// What a load and a pack have to say.
#include <algorithm>
#include <stdexcept>
#include <thread>

#include "weights/packed_fixture.hpp"

namespace gemma4::test {
namespace {

struct Lines {
  std::vector<std::string> info, warnings;
  std::thread::id thread;

  LogSink sink() {
    return [this](LogLevel level, std::string_view line) {
      (level == LogLevel::warning ? warnings : info).emplace_back(line);
      thread = std::this_thread::get_id();
    };
  }
  bool has(const std::string& text) const {
    return std::any_of(info.begin(), info.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }
};

Lines lines_of(const PackedFixture& fixture, const LoadOptions& options) {
  Lines lines;
  LoadOptions told = options;
  told.log = lines.sink();
  told.threads = 2;
  told.isa = Isa::scalar;
  const Model model = Model::load(fixture.source, told);
  const std::size_t count = lines.info.size() + lines.warnings.size();
  (void)logits_of(model);
  CHECK(lines.info.size() + lines.warnings.size() == count);  // nothing while it computes
  CHECK(lines.thread == std::this_thread::get_id());
  return lines;
}

/// The one warning there is.
std::string warning_of(const PackedFixture& fixture, const LoadOptions& options = {}) {
  LoadOptions with = options;
  with.packed_path = fixture.packed;
  const Lines lines = lines_of(fixture, with);
  REQUIRE(lines.warnings.size() == 1);
  return lines.warnings[0];
}

}  // namespace

TEST_CASE("a load tells which kernels compute, and what became of the packed file") {
  const PackedFixture fixture;
  const Lines plain = lines_of(fixture, {});
  CHECK(plain.info.size() == 1);
  CHECK(plain.info[0] ==
        fixture.source + ": computed with scalar kernels on 2 threads, activations int8");
  const Lines missing = lines_of(fixture, {.packed_path = fixture.packed});
  CHECK(missing.warnings.empty());
  CHECK(missing.has(fixture.packed + ": no packed file is there"));
  fixture.pack_it();
  const Lines found = lines_of(fixture, {.packed_path = fixture.packed});
  CHECK(found.warnings.empty());
  CHECK(found.has(fixture.source + ": weights mapped from " + fixture.packed));
}

TEST_CASE("a packed file that is ignored is a warning that says why") {
  const PackedFixture fixture;
  const std::string begin = "packed file ignored: " + fixture.packed + ": ";
  fixture.folder.write("model.g4pack", read_file(fixture.source));
  CHECK(warning_of(fixture) == begin + "expected a packed file, found an ordinary model file");

  fixture.pack_it();
  LoadOptions options;
  options.storage.layers = StoredAs::q8_0;
  CHECK(warning_of(fixture, options) ==
        begin + "expected matrices stored as \"embedding exact, layers q8_0\", found exact");

  const std::string whole = fixture.bytes();
  fixture.folder.write("model.g4pack", whole.substr(0, whole.size() - 100));
  CHECK(warning_of(fixture).starts_with(begin));
  CHECK(warning_of(fixture).find("expected") != std::string::npos);
  fixture.folder.write("model.g4pack", "");
  CHECK(warning_of(fixture).starts_with("packed file ignored: " + fixture.packed));

  fixture.folder.write("model.g4pack", whole);
  SyntheticModel changed;
  changed.more_keys = [](GgufWriter& file) { file.text("general.name", "renamed"); };
  fixture.folder.write("model.gguf", changed.bytes());
  CHECK(warning_of(fixture).starts_with(begin + "expected to be made of " + fixture.source +
                                        " as it is now, with hash "));
}

TEST_CASE("a pack tells what it wrote") {
  const PackedFixture fixture;
  Lines lines;
  const PackedFile packed = pack(fixture.source, {}, {.threads = 2, .log = lines.sink()});
  REQUIRE(lines.info.size() == 1);
  CHECK(lines.warnings.empty());
  CHECK(lines.info[0] == fixture.source + ": packed into " + packed.path + ", " +
                             std::to_string(packed.bytes) + " bytes");
}

TEST_CASE("a sink that throws does no harm") {
  const PackedFixture fixture;
  int calls = 0;
  LoadOptions options;
  options.log = [&](LogLevel, std::string_view) {
    ++calls;
    throw std::runtime_error("the log is full");
  };
  options.packed_path = fixture.packed;
  CHECK(logits_of(Model::load(fixture.source, options)) == logits_of(Model::load(fixture.source)));
  CHECK(calls == 2);
}

}  // namespace gemma4::test
