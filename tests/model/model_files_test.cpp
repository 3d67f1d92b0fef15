// Model files that are wrong: each gives one error that names the item, what was expected and what
// was found.
#include <doctest/doctest.h>

#include "gemma4/gemma4.hpp"
#include "io/temporary_folder.hpp"
#include "weights/synthetic_model.hpp"

namespace gemma4::test {
namespace {

/// The error of loading, or "" when it loads.
std::string load_error(const SyntheticModel& model, ErrorCode* code = nullptr) {
  const TemporaryFolder folder;
  const std::string path = folder.write("model.gguf", model.bytes());
  try {
    Model::load(path, {.threads = 1});
    return "";
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find(path) != std::string::npos);
    if (code != nullptr) *code = error.code();
    return error.what();
  }
}

bool names(const std::string& message, std::initializer_list<const char*> parts) {
  for (const char* part : parts) {
    if (message.find(part) == std::string::npos) {
      MESSAGE(message << " does not name " << part);
      return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("the synthetic model itself loads") { CHECK(load_error({}) == ""); }

TEST_CASE("missing and misshapen tensors") {
  for (const char* name :
       {"token_embd.weight", "output_norm.weight", "blk.0.attn_q.weight", "blk.1.attn_v.weight",
        "blk.2.ffn_down.weight", "blk.2.attn_q_norm.weight", "blk.0.post_ffw_norm.weight"}) {
    SyntheticModel model;
    model.change = [&](WrittenTensor& tensor) {
      if (tensor.name == name) tensor.name.clear();
    };
    CHECK(names(load_error(model), {name, "expected", "found no such tensor"}));
    model.change = [&](WrittenTensor& tensor) {
      if (tensor.name != name) return;
      tensor.ne.push_back(2);
      tensor.data += tensor.data;
    };
    CHECK(names(load_error(model), {name, "expected shape", "found ["}));
  }
}

TEST_CASE("a matrix of a type that cannot be computed") {
  SyntheticModel model;
  model.change = [&](WrittenTensor& tensor) {
    if (tensor.name != "blk.1.ffn_up.weight") return;
    tensor.type = static_cast<std::uint32_t>(TensorType::i32);
    tensor.data.assign(256 * 512 * 4, '\0');
  };
  ErrorCode code{};
  CHECK(names(load_error(model, &code), {"blk.1.ffn_up.weight", "Q4_0", "found I32"}));
  CHECK(code == ErrorCode::unsupported);
}

TEST_CASE("missing keys") {
  for (const char* key :
       {"general.architecture", "gemma4.block_count", "gemma4.context_length",
        "gemma4.embedding_length", "gemma4.feed_forward_length", "gemma4.attention.head_count",
        "gemma4.attention.head_count_kv", "gemma4.attention.key_length",
        "gemma4.attention.value_length_swa", "gemma4.attention.sliding_window",
        "gemma4.attention.sliding_window_pattern", "gemma4.attention.layer_norm_rms_epsilon",
        "tokenizer.ggml.model", "tokenizer.ggml.tokens"}) {
    SyntheticModel model;
    model.keep_key = [&](const std::string& name) { return name != key; };
    CHECK(names(load_error(model), {key}));
  }
}

TEST_CASE("contradicting and absurd keys") {
  const auto with = [](const char* key, auto set) {
    SyntheticModel model;
    model.keep_key = [=](const std::string& name) { return name != key; };
    model.more_keys = [=](GgufWriter& file) { set(file, key); };
    return load_error(model);
  };
  const auto number = [](std::uint64_t value) {
    return [=](GgufWriter& file, const char* key) { file.value(key, value); };
  };
  CHECK(names(with("gemma4.block_count", number(0)), {"block_count", "1 ... 1024", "found 0"}));
  CHECK(names(with("gemma4.block_count", number(~0ull)), {"block_count"}));
  CHECK(names(with("gemma4.block_count", number(4)),
              {"sliding_window_pattern", "4 values", "found 3"}));
  CHECK(names(with("gemma4.embedding_length", number(250)),
              {"embedding_length", "multiple of 32", "250"}));
  CHECK(names(with("gemma4.embedding_length", number(512)),
              {"token_embd.weight", "[512, 512]", "[256, 512]"}));
  CHECK(names(with("gemma4.attention.head_count", number(3)), {"head_count_kv", "divisor of 3"}));
  CHECK(names(with("gemma4.attention.key_length_swa", number(48)),
              {"key_length_swa", "multiple of 32"}));
  CHECK(names(with("gemma4.attention.value_length", number(64)), {"value_length", "128", "64"}));
  CHECK(names(
      with("gemma4.feed_forward_length", [](GgufWriter& f, const char* k) { f.text(k, "many"); }),
      {"feed_forward_length"}));
  CHECK(
      names(with("general.architecture", [](GgufWriter& f, const char* k) { f.text(k, "llama"); }),
            {"general.architecture", "gemma4", "llama"}));
  CHECK(names(with("general.architecture",
                   [](GgufWriter& f, const char* k) { f.text(k, "gemma4-assistant"); }),
              {"assistant"}));
  CHECK(names(with("gemma4.attention.layer_norm_rms_epsilon",
                   [](GgufWriter& f, const char* k) { f.value(k, -1.0f); }),
              {"epsilon", "positive"}));
}

TEST_CASE("features of other Gemma 4 variants are refused by name") {
  for (const char* key : {"gemma4.expert_count", "gemma4.embedding_length_per_layer_input",
                          "gemma4.attention.shared_kv_layers"}) {
    SyntheticModel model;
    model.more_keys = [&](GgufWriter& file) { file.value(key, std::uint32_t{8}); };
    ErrorCode code{};
    CHECK(names(load_error(model, &code), {key, "not supported"}));
    CHECK(code == ErrorCode::unsupported);
  }
}

TEST_CASE("progress, cancel and budget while loading") {
  const TemporaryFolder folder;
  const std::string path = folder.write("model.gguf", SyntheticModel{}.bytes());
  std::uint64_t last = 0, total = 0;
  Model::load(path, {.threads = 2, .on_progress = [&](const LoadProgress& p) {
                       CHECK(p.done_bytes > last);
                       last = p.done_bytes, total = p.total_bytes;
                       return true;
                     }});
  CHECK(last == total);
  int calls = 0;
  CHECK_THROWS_WITH_AS(
      Model::load(path, {.on_progress = [&](const LoadProgress&) { return ++calls < 3; }}),
      doctest::Contains("cancelled"), Error);
  CHECK(calls == 3);
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_WITH_AS(Model::load(path, {.stop = stop.get_token()}),
                       doctest::Contains("cancelled"), Error);
  const std::uint64_t needed = plan_memory(path).weights_bytes;
  CHECK_THROWS_WITH_AS(Model::load(path, {.memory_budget_bytes = needed - 1}),
                       doctest::Contains("budget"), Error);
  CHECK_NOTHROW(Model::load(path, {.memory_budget_bytes = needed}));
  CHECK_THROWS_WITH_AS(Model::load(path, {.threads = -1}), doctest::Contains("threads"), Error);
}

}  // namespace gemma4::test
