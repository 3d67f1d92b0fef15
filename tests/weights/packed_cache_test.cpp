// A packed file beside its model: used when it fits, ignored when not; written whole or not at all.
#include <cstring>
#include <fstream>
#include <thread>

#include "weights/packed_fixture.hpp"

#if defined(__linux__)
#include <sys/resource.h>

#include <csignal>
#endif

namespace gemma4::test {
namespace {

/// The packed file that a load of the source takes its weights from.
std::string used(const PackedFixture& fixture, const std::string& place) {
  return Model::load(fixture.source, {.threads = 1, .packed_path = place}).info().packed_path;
}

}  // namespace

TEST_CASE("a packed file that fits is used, by its path and by its folder") {
  const PackedFixture fixture;
  const std::vector<float> expected = logits_of(Model::load(fixture.source));
  CHECK(used(fixture, fixture.packed) == "");
  CHECK(used(fixture, fixture.folder.path("")) == "");
  fixture.pack_it();
  CHECK(used(fixture, "") == "");
  CHECK(used(fixture, fixture.packed) == fixture.packed);
  CHECK(used(fixture, fixture.folder.path("")) == fixture.packed);
  const Model model = Model::load(fixture.source, {.packed_path = fixture.packed});
  CHECK(model.info().path == fixture.source);
  CHECK(model.info().file_bytes == std::filesystem::file_size(fixture.source));
  CHECK(same_bits(logits_of(model), expected));
}

TEST_CASE("a packed file of another model is ignored") {
  const PackedFixture fixture;
  fixture.pack_it();
  const auto ignored_with = [&](const SyntheticModel& model) {
    fixture.folder.write("model.gguf", model.bytes());
    return used(fixture, fixture.packed) == "";
  };
  SyntheticModel model;
  model.more_keys = [](GgufWriter& file) { file.text("general.name", "renamed"); };
  CHECK(ignored_with(model));
  model.more_keys = nullptr;
  model.change = [](WrittenTensor& tensor) {
    if (tensor.name == "blk.1.ffn_down.weight") tensor.data.back() ^= 1;
  };
  CHECK(ignored_with(model));
  model.change = nullptr;
  CHECK_FALSE(ignored_with(model));
}

TEST_CASE("anything else in the cache's place is ignored") {
  const PackedFixture fixture;
  for (const std::string& bytes :
       {std::string("hello"), std::string(), read_file(fixture.source)}) {
    const std::string path = fixture.folder.write("model.g4pack", bytes);
    CHECK(used(fixture, path) == "");
  }
}

TEST_CASE("a cancelled pack leaves nothing, and leaves what was there") {
  const PackedFixture fixture;
  int calls = 0;
  const PackOptions stops = {.on_progress = [&](const LoadProgress&) { return ++calls < 20; }};
  Error error = error_of([&] { pack(fixture.source, {}, stops); });
  CHECK(error.code() == ErrorCode::cancelled);
  CHECK(calls == 20);
  CHECK(fixture.files() == 1);
  std::stop_source stop;
  stop.request_stop();
  error = error_of([&] { pack(fixture.source, {}, {.stop = stop.get_token()}); });
  CHECK(error.code() == ErrorCode::cancelled);
  CHECK(fixture.files() == 1);

  fixture.pack_it();
  const std::string before = fixture.bytes();
  calls = 0;
  CHECK_THROWS(pack(fixture.source, {}, stops));
  CHECK(fixture.files() == 2);
  CHECK(fixture.bytes() == before);
}

TEST_CASE("progress of packing rises to its end") {
  const PackedFixture fixture;
  std::uint64_t last = 0, total = 1;
  pack(fixture.source, {}, {.on_progress = [&](const LoadProgress& p) {
         CHECK(p.done_bytes > last);
         last = p.done_bytes, total = p.total_bytes;
         return true;
       }});
  CHECK(last == total);
}

TEST_CASE("places where no file can be written") {
  const PackedFixture fixture;
  const auto code = [&](const std::string& out) {
    return error_of([&] { pack(fixture.source, out); }).code();
  };
  CHECK(code(fixture.folder.path("missing/model.g4pack")) == ErrorCode::io);
  CHECK(code(fixture.source) == ErrorCode::invalid_argument);
#if defined(__linux__)
  CHECK(code("/dev/null") == ErrorCode::io);
  CHECK(code("/proc/model.g4pack") == ErrorCode::io);
#endif
  CHECK(fixture.files() == 1);
  fixture.pack_it();
  const Error error = error_of([&] { pack(fixture.packed, fixture.folder.path("again")); });
  CHECK(error.code() == ErrorCode::invalid_argument);
  CHECK(contains(error.what(), "found a packed one"));
}

#if defined(__linux__)
TEST_CASE("a disk without room") {
  const PackedFixture fixture;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {64 << 10, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const Error error = error_of([&] { fixture.pack_it(); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(error.code() == ErrorCode::io);
  CHECK(contains(error.what(), fixture.packed));
  CHECK(fixture.files() == 1);
}
#endif

TEST_CASE("two who pack the same file at once both succeed") {
  const PackedFixture fixture;
  std::string other_error;
  std::thread other([&] {
    try {
      fixture.pack_it();
    } catch (const Error& error) {
      other_error = error.what();
    }
  });
  fixture.pack_it();
  other.join();
  CHECK(other_error == "");
  CHECK(fixture.files() == 2);
  CHECK_NOTHROW(verify_packed(fixture.packed));
}

}  // namespace gemma4::test
