// A packed file is the model: the same bits, the same facts, from where the file lies.
#include "weights/packed_fixture.hpp"

namespace gemma4::test {
namespace {

void check_same(const Model& source, const Model& packed) {
  CHECK(same_bits(logits_of(source), logits_of(packed)));
  CHECK(source.info().parameters == packed.info().parameters);
  CHECK(source.plan().weights_bytes == packed.plan().weights_bytes);
  CHECK(source.info().layers.size() == packed.info().layers.size());
  CHECK(source.tokenizer().encode("w1 w300 x") == packed.tokenizer().encode("w1 w300 x"));
}

void check_round_trip(const SyntheticModel& model) {
  const PackedFixture fixture(model);
  const PackedFile made = fixture.pack_it();
  CHECK(made.path == fixture.packed);
  CHECK(made.bytes == std::filesystem::file_size(fixture.packed));
  CHECK(fixture.files() == 2);
  check_same(Model::load(fixture.source), Model::load(fixture.packed));
  CHECK(verify_packed(fixture.packed).bytes == made.bytes);
}

}  // namespace

TEST_CASE("every weight type gives the same bits from its packed file") {
  for (const TensorType type :
       {TensorType::q4_0, TensorType::q8_0, TensorType::q6_k, TensorType::f32, TensorType::f16,
        TensorType::bf16, TensorType::q4_1, TensorType::q5_0, TensorType::q4_k, TensorType::q5_k}) {
    CAPTURE(tensor_type_name(type));
    SyntheticModel model;
    model.matrices = type;
    model.embedding = type;
    check_round_trip(model);
  }
}

TEST_CASE("fused, untied and missing tensors") {
  SyntheticModel model;
  model.fused = true;
  check_round_trip(model);
  model.value_on_full = true;
  model.untied = true;
  check_round_trip(model);
  model.fused = false;
  model.change = [](WrittenTensor& tensor) {
    if (tensor.name == "blk.1.layer_output_scale.weight") tensor.name.clear();
  };
  check_round_trip(model);
}

TEST_CASE("the tiny model, packed to a path and to a folder") {
  const std::string tiny = GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf";
  const TemporaryFolder folder;
  const PackedFile made = pack(tiny, folder.path(""));
  CHECK(made.path == folder.path("gemma4-tiny-q4_0.g4pack"));
  CHECK(pack(tiny, folder.path("other.bin")).bytes == made.bytes);
  CHECK(read_file(folder.path("other.bin")) == read_file(made.path));
  check_same(Model::load(tiny), Model::load(made.path));
}

TEST_CASE("the number of threads does not show in the file") {
  const PackedFixture fixture;
  pack(fixture.source, fixture.folder.path("a"), {.threads = 1});
  pack(fixture.source, fixture.folder.path("b"), {.threads = 3});
  CHECK(read_file(fixture.folder.path("a")) == read_file(fixture.folder.path("b")));
}

TEST_CASE("two models map one file, and outlive its name") {
  const PackedFixture fixture;
  fixture.pack_it();
  const std::vector<float> expected = logits_of(Model::load(fixture.source));
  const Model a = Model::load(fixture.packed), b = Model::load(fixture.packed);
  CHECK(same_bits(logits_of(a), expected));
  fixture.pack_it();  // a rename: who has the old file mapped keeps it
  std::filesystem::remove(fixture.packed);
  CHECK(same_bits(logits_of(a), expected));
  CHECK(same_bits(logits_of(b), expected));
}

TEST_CASE("inspect tells what a packed file holds") {
  const PackedFixture fixture;
  const PackedFile made = fixture.pack_it();
  const Inspection packed = inspect(fixture.packed), source = inspect(fixture.source);
  CHECK(packed.info.packed_path == fixture.packed);
  CHECK(source.info.packed_path.empty());
  CHECK(packed.info.file_bytes == made.bytes);
  CHECK(packed.plan.total_bytes() == source.plan.total_bytes());
  CHECK(packed.tensors.size() == source.tensors.size());
  bool found = false;
  for (const TensorInfo& tensor : packed.tensors) {
    if (tensor.name != "blk.2.attn_q.weight") continue;
    found = true;
    CHECK(tensor.type == "Q4_0x16");
    CHECK(tensor.shape == std::vector<std::uint64_t>{256, 512});
    CHECK(tensor.bytes == 256 * 512 / 32 * 18);
  }
  CHECK(found);
}

TEST_CASE("loading a packed file tells progress once, and honours budget and cancel") {
  const PackedFixture fixture;
  fixture.pack_it();
  int calls = 0;
  Model::load(fixture.packed, {.on_progress = [&](const LoadProgress& p) {
                CHECK(p.done_bytes == p.total_bytes);
                return ++calls > 0;
              }});
  CHECK(calls == 1);
  CHECK(error_of([&] {
          Model::load(fixture.packed, {.on_progress = [](const LoadProgress&) { return false; }});
        }).code() == ErrorCode::cancelled);
  const std::uint64_t needed = plan_memory(fixture.packed).weights_bytes;
  CHECK(error_of([&] {
          Model::load(fixture.packed, {.memory_budget_bytes = needed - 1});
        }).code() == ErrorCode::budget_exceeded);
}

}  // namespace gemma4::test
