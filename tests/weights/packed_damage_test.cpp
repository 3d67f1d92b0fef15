// Packed files that are not what they were: each is refused, and never used as a cache.
#include <fstream>

#include "io/gguf.hpp"
#include "weights/packed_fixture.hpp"
#include "weights/packed_header.hpp"

namespace gemma4::test {
namespace {

void write_at(const std::string& path, std::size_t position, std::string_view bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(position));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void flip(const std::string& path, const std::string& bytes, std::size_t position) {
  write_at(path, position, std::string(1, static_cast<char>(bytes[position] ^ 0x10)));
}

std::size_t header_bytes(const std::string& path) {
  const Checkpoint file = open_gguf(path);
  return header_of(file.files.front().bytes(), file.tensors).size();
}

/// The value of a key of text or number, where it stands in the file.
std::size_t value_of(const std::string& bytes, const std::string& key) {
  return bytes.find(key) + key.size() + 4;
}

bool is_refusal(const Error& error) {
  return error.code() == ErrorCode::format || error.code() == ErrorCode::unsupported;
}

}  // namespace

TEST_CASE("a packed file cut at any 4 KiB") {
  const PackedFixture fixture;
  fixture.pack_it();
  const std::vector<float> expected = logits_of(Model::load(fixture.source));
  std::uint64_t size = std::filesystem::file_size(fixture.packed) - 1;
  for (; size > 0; size = (size - 1) / 4096 * 4096) {
    CAPTURE(size);
    std::filesystem::resize_file(fixture.packed, size);
    const Error error = error_of([&] { inspect(fixture.packed); });
    REQUIRE(is_refusal(error));
    REQUIRE(contains(error.what(), "expected"));
  }
  std::filesystem::resize_file(fixture.packed, 0);
  CHECK(error_of([&] { inspect(fixture.packed); }).code() == ErrorCode::io);
  const Model model = Model::load(fixture.source, {.packed_path = fixture.packed});
  CHECK(model.info().packed_path.empty());
  CHECK(same_bits(logits_of(model), expected));
}

TEST_CASE("a flipped bit anywhere in the header") {
  const PackedFixture fixture;
  fixture.pack_it();
  const std::string bytes = fixture.bytes();
  const std::size_t end = header_bytes(fixture.packed);
  for (std::size_t i = 0; i < end; i += i < 600 || i + 600 > end ? 1 : 23) {
    CAPTURE(i);
    flip(fixture.packed, bytes, i);
    REQUIRE(is_refusal(error_of([&] { inspect(fixture.packed); })));
    write_at(fixture.packed, i, bytes.substr(i, 1));
  }
  CHECK_NOTHROW(inspect(fixture.packed));
}

TEST_CASE("another version, another layout, a changed header are named") {
  const PackedFixture fixture;
  fixture.pack_it();
  const std::string bytes = fixture.bytes();
  const std::size_t version = value_of(bytes, "gemma4.packed.version");
  write_at(fixture.packed, version, std::string_view("\x01", 1));
  Error error = error_of([&] { Model::load(fixture.packed); });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK(contains(error.what(), "version: expected 3, found 1"));
  write_at(fixture.packed, version, std::string_view("\x03", 1));

  const std::size_t layout = value_of(bytes, "gemma4.packed.layout") + 8;
  write_at(fixture.packed, layout, "8");
  error = error_of([&] { Model::load(fixture.packed); });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK(contains(error.what(), "layout: expected \"16x4-1\", found \"86x4-1\""));
  write_at(fixture.packed, layout, "1");

  write_at(fixture.packed, value_of(bytes, "gemma4.rope.freq_base"), "x");
  error = error_of([&] { Model::load(fixture.packed); });
  CHECK(error.code() == ErrorCode::format);
  CHECK(contains(error.what(), "header: expected hash "));
}

TEST_CASE("a whole header with activations that there are none of") {
  const PackedFixture fixture;
  fixture.pack_it();
  const std::string bytes = fixture.bytes();
  std::string header = bytes.substr(0, header_bytes(fixture.packed));
  header.replace(value_of(bytes, "gemma4.packed.activations") + 8, 4, "int9");
  seal_header(header, claimed_contents_hash(open_gguf(fixture.packed).metadata));
  write_at(fixture.packed, 0, header);
  const Error error =
      error_of([&] { Model::load(fixture.packed, {.activations = ActivationType::int16}); });
  CHECK(error.code() == ErrorCode::format);
  CHECK(contains(error.what(),
                 "\"gemma4.packed.activations\": expected int8 or int16, found \"int9\""));
}

TEST_CASE("verify finds a flipped byte of the weights, which loading does not look at") {
  const PackedFixture fixture;
  fixture.pack_it();
  const std::string bytes = fixture.bytes();
  const std::size_t begin = header_bytes(fixture.packed);
  for (const std::size_t position : {begin, (begin + bytes.size()) / 2, bytes.size() - 1}) {
    flip(fixture.packed, bytes, position);
    CHECK_NOTHROW(Model::load(fixture.packed));
    const Error error = error_of([&] { verify_packed(fixture.packed); });
    CHECK(error.code() == ErrorCode::format);
    CHECK(contains(error.what(), "weights: expected hash "));
    write_at(fixture.packed, position, bytes.substr(position, 1));
  }
  CHECK_NOTHROW(verify_packed(fixture.packed));
  CHECK(error_of([&] {
          verify_packed(fixture.packed, {.on_progress = [](const auto&) { return false; }});
        }).code() == ErrorCode::cancelled);
  CHECK(error_of([&] { verify_packed(fixture.source); }).code() == ErrorCode::format);
}

TEST_CASE("tiles in an ordinary file, ordinary tensors in a packed one") {
  const PackedFixture fixture;
  SyntheticModel model;
  model.change = [](WrittenTensor& tensor) {
    if (tensor.name == "blk.0.ffn_up.weight")
      tensor.type = static_cast<std::uint32_t>(TensorType::q4_0x16);
  };
  model.more_keys = [](GgufWriter& file) { file.align(64); };
  const std::string tiles = fixture.folder.write("tiles.gguf", model.bytes());
  Error error = error_of([&] { inspect(tiles); });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK(contains(error.what(), "found Q4_0x16"));

  model.more_keys = [](GgufWriter& file) {
    file.align(64).value("gemma4.packed.version", std::uint32_t{kPackedVersion});
    file.text("gemma4.packed.layout", kPackedLayout);
  };
  const std::string foreign = fixture.folder.write("foreign.g4pack", model.bytes());
  error = error_of([&] { inspect(foreign); });
  CHECK(error.code() == ErrorCode::format);
  CHECK(contains(error.what(), "hash in front"));
}

TEST_CASE("tiles of absurd shapes and at odd places") {
  const TemporaryFolder folder;
  const auto error = [&](std::vector<std::uint64_t> ne, std::uint32_t alignment) {
    GgufWriter file;
    file.align(alignment).text("general.name", "x");
    file.tensor("t", std::move(ne), TensorType::q4_0x16, std::string(576, 'x'));
    const std::string path = folder.write("t.gguf", file.bytes());
    return std::string(error_of([&] { (void)open_gguf(path); }).what());
  };
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  CHECK(contains(error({64, 16}, 64), "no error"));
  CHECK(contains(error({1, 1}, 64), "no error"));  // filled up to a whole block
  for (const auto& ne : {std::vector<std::uint64_t>{kMost, 1},
                         {1, kMost},
                         {kMost, kMost},
                         {65, 16},
                         {64, 17},
                         {1, 1, kMost}}) {
    CAPTURE(ne.size());
    CHECK(contains(error(ne, 64), "expected"));
  }
  bool misplaced = false;  // an alignment of 1 is legal, but tiles are read in place
  for (const std::uint32_t alignment : {1u, 2u, 8u})
    misplaced = misplaced || contains(error({64, 16}, alignment), "multiple of 64 for Q4_0x16");
  CHECK(misplaced);
}

}  // namespace gemma4::test
