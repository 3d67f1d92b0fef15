// Models loaded from Hugging Face folders: quantised while they load, packed, drafted for.
#include <cmath>
#include <vector>

#include "gemma4/gemma4.hpp"
#include "io/gguf.hpp"
#include "io/safetensors.hpp"
#include "io/safetensors_writer.hpp"
#include "kernels/random.hpp"
#include "session/plain_text.hpp"
#include "weights/block_formats.hpp"
#include "weights/hf_fixture.hpp"
#include "weights/hf_names.hpp"
#include "weights/matrix_rows.hpp"

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

/// A GGUF's tensors as an unquantised folder, in `shards` files.
std::string plain_tensors(const Checkpoint& gguf, bool assistant, TensorType type, int shard,
                          int shards, std::string& index) {
  SafetensorsWriter writer;
  int number = 0;
  for (const TensorView& tensor : gguf.tensors.all()) {
    const auto name = hf_name(tensor.name, assistant);
    if (!name || number++ % shards != shard) continue;
    std::string data;
    std::vector<float> row(tensor.ne[0]);
    for (std::uint64_t r = 0; r < tensor.ne[1]; ++r) {
      dequantize_row(tensor.type, tensor.bytes.subspan(r * tensor.row_bytes(), tensor.row_bytes()),
                     row);
      for (const float value : row) {
        std::uint32_t bits;
        std::memcpy(&bits, &value, 4);
        data += type == TensorType::f32
                    ? bytes_of<float>({value})
                    : bytes_of<std::uint16_t>({static_cast<std::uint16_t>((bits + 0x8000u) >> 16)});
      }
    }
    std::vector<std::uint64_t> shape;
    for (std::uint32_t i = tensor.dimensions; i-- > 0;) shape.push_back(tensor.ne[i]);
    writer.add(*name, type == TensorType::f32 ? "F32" : "BF16", shape, data);
    index += std::string(index.empty() ? "" : ",") + "\"" + *name + "\":\"s" +
             std::to_string(shard) + ".safetensors\"";
  }
  return writer.bytes();
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
