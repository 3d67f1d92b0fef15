// Models loaded from Hugging Face folders: quantised while they load, packed, drafted for.
#include <cmath>
#include <vector>

#include "gemma4/gemma4.hpp"
#include "io/gguf.hpp"
#include "kernels/random.hpp"
#include "session/plain_text.hpp"
#include "weights/hf_fixture.hpp"
#include "weights/plain_tensors.hpp"
#include "weights/quantize.hpp"
#include "weights/synthetic_model.hpp"

namespace gemma4::test {
namespace {

const std::vector<Token> kPrompt = {2, 280, 17, 30, 301, 5, 44, 270, 99, 12, 310, 7};

std::vector<float> logits_of(const Model& model) {
  Session session(model, {.context_tokens = 64});
  std::vector<float> all;
  session.prefill_tokens(kPrompt, [&](std::uint32_t, std::span<const float> logits) {
    all.insert(all.end(), logits.begin(), logits.end());
  });
  return all;
}

std::vector<float> logits_of(const std::string& path, const LoadOptions& options = {}) {
  return logits_of(Model::load(path, options));
}

double distance(const std::vector<float>& found, const std::vector<float>& expected) {
  double difference = 0, all = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    difference += std::pow(double(found[i]) - double(expected[i]), 2);
    all += std::pow(double(expected[i]), 2);
  }
  return std::sqrt(difference / all);
}

/// The tiny model or its assistant as an unquantised folder.
struct PlainFolder {
  HfCopy copy;
  explicit PlainFolder(TensorType type, bool assistant = false, int shards = 1)
      : copy(assistant ? hf_assistant() : hf_target()) {
    copy.change("config.json", "\"quantization_config\"", "\"another_config\"");
    const Checkpoint gguf = open_gguf(assistant ? gguf_assistant() : gguf_target());
    std::string index;
    for (int shard = 0; shard < shards; ++shard) {
      const std::string bytes = plain_tensors(gguf, assistant, type, shard, shards, index);
      copy.write(shards == 1 ? "model.safetensors" : "s" + std::to_string(shard) + ".safetensors",
                 bytes);
    }
    if (shards == 1) return;
    copy.remove("model.safetensors");
    copy.write("model.safetensors.index.json", "{\"weight_map\":{" + index + "}}");
  }
};

constexpr WeightStorage kAllQ4 = {StoredAs::q4_0, StoredAs::q4_0};

}  // namespace

TEST_CASE("the folder's model is the GGUF's but for the exact head") {
  const std::vector<float> folder = logits_of(hf_target()), gguf = logits_of(gguf_target());
  MESSAGE("relative distance " << distance(folder, gguf));
  CHECK(distance(folder, gguf) < 0.02);
  CHECK_FALSE(same_bits(folder, gguf));
}

TEST_CASE("all instruction sets give a folder's model the same bits") {
  const std::vector<float> scalar = logits_of(hf_target(), {.isa = Isa::scalar});
  for (const Isa isa : {Isa::avx2, Isa::avxvnni, Isa::avx512, Isa::neon}) {
    if (find_kernels(isa) != nullptr)
      CHECK(same_bits(logits_of(hf_target(), {.isa = isa}), scalar));
  }
}

TEST_CASE("an unquantised folder on the Q4_0 lattice, quantised while it loads, is the Q4_0 GGUF") {
  const std::vector<float> expected = logits_of(gguf_target());
  for (const int shards : {1, 3}) {
    const PlainFolder plain(TensorType::f32, false, shards);
    CHECK(same_bits(logits_of(plain.copy.path(), {.storage = kAllQ4}), expected));
    CHECK(distance(logits_of(plain.copy.path()), expected) < 0.02);
  }
}

TEST_CASE("a BF16 folder is kept, or quantised, and the plan says which") {
  const PlainFolder plain(TensorType::bf16);
  const std::string path = plain.copy.path();
  CHECK(distance(logits_of(path), logits_of(hf_target())) < 0.03);
  const std::uint64_t exact = plan_memory(path).weights_bytes;
  const StorageOptions q8 = {{StoredAs::q8_0, StoredAs::exact}, {}};
  const StorageOptions q4 = {kAllQ4, {}};
  const std::uint64_t embedding = 1536 * 192;
  CHECK(exact - plan_memory(path, {}, {}, {}, q8).weights_bytes ==
        embedding * 2 - embedding * 34 / 32);
  CHECK(plan_memory(path, {}, {}, {}, q4).weights_bytes < exact / 2);
  CHECK(Model::load(path, {.storage = kAllQ4}).plan().weights_bytes ==
        plan_memory(path, {}, {}, {}, q4).weights_bytes);
  const Error error = error_of([&] {
    plan_memory(path, {}, {}, {}, {{StoredAs::q6_k, StoredAs::exact}, {}});
  });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK(contains(error.what(), "Q6_K: expected rows of a multiple of 256, found 192"));
  const Error unknown = error_of([&] {
    Model::load(path, {.storage = {static_cast<StoredAs>(9), StoredAs::exact}});
  });
  CHECK(unknown.code() == ErrorCode::invalid_argument);
}

TEST_CASE("a BF16 embedding is held as Q6_K when that is asked for, as the plan says") {
  SyntheticModel model;
  model.embedding = TensorType::bf16;
  const TemporaryFolder place;
  const std::string path = place.write("model.gguf", model.bytes());
  const StorageOptions storage = {{StoredAs::q6_k, StoredAs::exact}, {}};
  const Inspection held = inspect(path, {}, {}, ActivationType::automatic, storage);
  CHECK(inspect(path).embedding.type == "BF16");
  CHECK(held.embedding.type == "Q6_K");
  CHECK(held.embedding.bytes == 512 * 210);  // a row of 256 is one block
  CHECK(inspect(path).plan.weights_bytes - held.plan.weights_bytes == 512 * (256 * 2 - 210));
  const std::uint64_t planned = plan_memory(path, {}, {}, {}, storage).weights_bytes;
  CHECK(planned == held.plan.weights_bytes);
  LoadOptions options{.activations = ActivationType::int16};
  const std::vector<float> exact = logits_of(path, options);
  options.storage = storage.model;
  CHECK(Model::load(path, options).plan().weights_bytes == planned);
  const std::vector<float> found = logits_of(path, options);
  MESSAGE("relative distance " << distance(found, exact));
  CHECK(distance(found, exact) < 0.2);  // random weights magnify the rounding tenfold
  CHECK_FALSE(same_bits(found, exact));

  // a file that has it in Q6_K is the same model
  model.change = [](WrittenTensor& tensor) {
    if (tensor.name != "token_embd.weight") return;
    std::vector<float> values(tensor.ne[0] * tensor.ne[1]);
    dequantize_row(TensorType::bf16, std::as_bytes(std::span(tensor.data)), values);
    tensor.type = static_cast<std::uint32_t>(TensorType::q6_k);
    tensor.data.resize(row_bytes_of(TensorType::q6_k, values.size()));
    quantize_row(TensorType::q6_k, values, reinterpret_cast<std::byte*>(tensor.data.data()));
  };
  const std::string quantised = place.write("q6_k.gguf", model.bytes());
  CHECK(same_bits(logits_of(quantised, {.activations = ActivationType::int16}), found));
}

TEST_CASE("storage leaves what is quantised alone") {
  const StorageOptions q8 = {{StoredAs::q8_0, StoredAs::q8_0}, {}};
  CHECK(plan_memory(gguf_target(), {}, {}, {}, q8).weights_bytes ==
        plan_memory(gguf_target()).weights_bytes);
  const std::vector<float> exact = logits_of(hf_target()),
                           held = logits_of(hf_target(), {.storage = q8.model});
  CHECK(distance(held, exact) < 0.02);
  CHECK_FALSE(same_bits(held, exact));
}

TEST_CASE("a folder is packed beside itself, and the file is its model") {
  const TemporaryFolder place;
  const HfCopy copy(hf_target());
  const PackedFile packed = pack(copy.path(), place.path("model.g4pack"));
  CHECK(verify_packed(packed.path).bytes == packed.bytes);
  const std::vector<float> expected = logits_of(copy.path());
  CHECK(same_bits(logits_of(packed.path), expected));
  const Model cached = Model::load(copy.path(), {.packed_path = packed.path});
  CHECK(cached.info().packed_path == packed.path);
  CHECK(same_bits(logits_of(cached), expected));
  CHECK(load_tokenizer(packed.path).encode("Hello") == load_tokenizer(copy.path()).encode("Hello"));

  const PackedFile beside = pack(hf_assistant(), place.path(""));
  CHECK(std::filesystem::path(beside.path).filename() == "gemma4-tiny-assistant.g4pack");

  // another text in one of the folder's files is another model
  copy.change("generation_config.json", "64", "63");
  CHECK(Model::load(copy.path(), {.packed_path = packed.path}).info().packed_path.empty());
}

TEST_CASE("packed 4-bit codes are run with 16 bits, in a packed file too, whatever their scales") {
  const HfCopy copy(hf_target());
  copy.write("model.safetensors", rewritten([](auto& name, auto& type, auto&, auto& data) {
               if (!name.ends_with(".weight_scale")) return;
               REQUIRE(type == "BF16");
               type = "F16";
               for (std::size_t i = 0; i < data.size(); i += 2) {
                 std::uint16_t bits;
                 std::memcpy(&bits, data.data() + i, 2);
                 const std::uint16_t half = float_to_half(bf16_to_float(bits));
                 REQUIRE(half_to_float(half) == bf16_to_float(bits));
                 std::memcpy(data.data() + i, &half, 2);
               }
             }));
  const TemporaryFolder place;
  const std::string packed = pack(copy.path(), place.path("half.g4pack")).path;
  const std::vector<float> expected = logits_of(hf_target());  // BF16 scales of the same value
  CHECK_FALSE(same_bits(logits_of(hf_target(), {.activations = ActivationType::int8}), expected));
  LoadOptions cached;
  cached.packed_path = packed;
  for (const auto& [path, options] :
       {std::pair(copy.path(), LoadOptions{}), {packed, {}}, {copy.path(), cached}}) {
    CAPTURE(path);
    const Model model = Model::load(path, options);
    CHECK(model.info().packed_path == (path == packed ? packed : options.packed_path));
    CHECK(model.info().activations == ActivationType::int16);
    CHECK(inspect(path).info.activations == ActivationType::int16);
    CHECK(same_bits(logits_of(model), expected));
    const Model faster = Model::load(path, {.activations = ActivationType::int8});
    CHECK(faster.info().activations == ActivationType::int8);
  }
  const std::string gguf = pack(gguf_target(), place.path("q4_0.g4pack")).path;
  CHECK(Model::load(gguf).info().activations == ActivationType::int8);
}

TEST_CASE("a packed file serves the storage that it was made with, and no other") {
  const PlainFolder plain(TensorType::bf16);
  const TemporaryFolder place;
  const std::string exact = pack(plain.copy.path(), place.path("exact.g4pack")).path;
  const std::string small =
      pack(plain.copy.path(), place.path("small.g4pack"), {.storage = kAllQ4}).path;
  const auto used = [&](const std::string& packed, const WeightStorage& storage) {
    LoadOptions options;
    options.packed_path = packed;
    options.storage = storage;
    return Model::load(plain.copy.path(), options).info().packed_path;
  };
  CHECK(used(exact, {}) == exact);
  CHECK(used(small, kAllQ4) == small);
  CHECK(used(exact, kAllQ4).empty());
  CHECK(used(small, {}).empty());
  CHECK(same_bits(logits_of(small), logits_of(plain.copy.path(), {.storage = kAllQ4})));
  CHECK(same_bits(logits_of(small, {.storage = kAllQ4}), logits_of(small)));
  const Error error = error_of([&] { Model::load(exact, {.storage = kAllQ4}); });
  CHECK(error.code() == ErrorCode::invalid_argument);
  CHECK(contains(error.what(), "a packed file keeps its matrices"));
}

TEST_CASE("drafts of an assistant in any form give the tokens and logits of plain decoding") {
  const PlainFolder plain(TensorType::bf16, true);
  for (const std::string& target : {gguf_target(), hf_target()}) {
    CAPTURE(target);
    const Model alone = Model::load(target);
    std::vector<Token> prompt = {alone.tokenizer().bos()};
    for (const Token token : alone.tokenizer().encode("What is the capital of France?"))
      prompt.push_back(token);
    const auto length = static_cast<std::uint32_t>(prompt.size()) + 28;
    const testing::PlainText expected = testing::plain_text(alone, prompt, length);
    for (const std::string& assistant : {gguf_assistant(), hf_assistant(), plain.copy.path()}) {
      CAPTURE(assistant);
      for (const WeightStorage& storage : {WeightStorage{}, kAllQ4}) {
        LoadOptions options;
        options.assistant = assistant;
        options.assistant_storage = storage;
        const Model model = Model::load(target, options);
        CHECK(model.info().assistant->layers.size() == 4);
        for (const std::uint32_t depth : {1u, 5u}) {
          CAPTURE(depth);
          Session session(model, testing::with(Speculation::fixed(depth).by(DrafterKind::mtp),
                                               testing::session_options()));
          session.append_tokens(prompt);
          CHECK(testing::first_difference(session, expected, length) == -1);
          CHECK(session.statistics().accepted > 0);
        }
      }
    }
  }
}

TEST_CASE("inspect shows a folder's tensors and what it leaves out") {
  const Inspection inspection = inspect(hf_target(), {}, hf_assistant());
  CHECK(inspection.info.name == "gemma4-tiny");
  CHECK(inspection.notes.size() == 2);
  CHECK(contains(inspection.notes[1], "assistant: "));
  for (const TensorInfo& tensor : inspection.tensors) {
    if (tensor.name != "blk.0.attn_q.weight") continue;
    CHECK(tensor.type == "I4");
    CHECK(tensor.bytes == 128 * 24 * 4 + 128 * 6 * 2);
  }
}

}  // namespace gemma4::test
