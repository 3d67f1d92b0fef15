// Assistants that are wrong, or belong to another model: one error each, which names the file, the
// item, what was expected and what was found.
#include <doctest/doctest.h>

#include "gemma4/gemma4.hpp"
#include "io/io_test_helpers.hpp"
#include "io/temporary_folder.hpp"
#include "weights/synthetic_assistant.hpp"

namespace gemma4::test {
namespace {

/// The error of pairing an assistant with a model; checks that planning says the same as loading.
Error pairing_error(const SyntheticAssistant& assistant, const SyntheticModel& model = {}) {
  const TemporaryFolder folder;
  const std::string target = folder.write("model.gguf", model.bytes());
  const std::string path = folder.write("drafter.gguf", assistant.bytes());
  LoadOptions options{.threads = 1};
  options.assistant = path;
  const Error error = error_of([&] { Model::load(target, options); });
  CHECK(std::string(error_of([&] { plan_memory(target, {}, path); }).what()) == error.what());
  if (static_cast<int>(error.code()) != 0) CHECK(contains(error.what(), path));
  return error;
}

bool names(const Error& error, ErrorCode code, std::initializer_list<const char*> parts) {
  bool all = error.code() == code;
  for (const char* part : parts) all = all && contains(error.what(), part);
  if (!all) MESSAGE("found: " << std::string(error.what()));
  return all;
}

/// An assistant with another value of a key.
template <typename T>
SyntheticAssistant with(const std::string& key, const T& value) {
  SyntheticAssistant assistant;
  assistant.keep_key = [=](const std::string& name) { return name != key; };
  assistant.more_keys = [=](GgufWriter& file) { file.value(key, value); };
  return assistant;
}

SyntheticAssistant changed(std::function<void(WrittenTensor&)> change) {
  SyntheticAssistant assistant;
  assistant.change = std::move(change);
  return assistant;
}

}  // namespace

TEST_CASE("the synthetic assistant itself fits the synthetic model") {
  CHECK(static_cast<int>(pairing_error({}).code()) == 0);
}

TEST_CASE("an assistant of another model") {
  const auto wrong = ErrorCode::invalid_argument;
  SyntheticAssistant wide = with("gemma4-assistant.embedding_length_out", std::uint32_t{5376});
  wide.change = [](WrittenTensor& tensor) {  // a whole file of that width
    if (tensor.name == "nextn.pre_projection.weight") tensor.ne[0] = 2 * 5376;
    if (tensor.name == "nextn.post_projection.weight") tensor.ne[1] = 5376;
    if (!tensor.name.starts_with("nextn.")) return;
    tensor.type = static_cast<std::uint32_t>(TensorType::q4_0);
    tensor.data.assign(tensor.ne[0] * tensor.ne[1] / 32 * 18, '\0');
  };
  CHECK(names(pairing_error(wide), wrong,
              {"drafter.gguf: embedding_length_out: expected 256 as in ", "model.gguf, found 5376",
               "belongs to a model of width 5376"}));
  SyntheticAssistant words;
  words.tokens = 1024;
  CHECK(
      names(pairing_error(words), wrong, {"vocabulary: expected 512 as in", "found 1024 tokens"}));
  CHECK(names(pairing_error(with("gemma4-assistant.attention.sliding_window", std::uint32_t{16})),
              wrong, {"attention.sliding_window: expected 8 as in", "found 16"}));
  CHECK(names(pairing_error(with("gemma4-assistant.rope.freq_base", 5e5f)), wrong,
              {"rope.freq_base: expected 1000000 as in", "found 500000"}));
  CHECK(names(pairing_error(with("gemma4-assistant.rope.freq_base_swa", 2e4f)), wrong,
              {"rope.freq_base_swa: expected 10000 as in", "found 20000"}));
  SyntheticAssistant heads;
  heads.keep_key = [](const std::string& key) {
    return key != "gemma4-assistant.attention.head_count_kv";
  };
  heads.more_keys = [](GgufWriter& file) {
    file.array<std::int32_t>("gemma4-assistant.attention.head_count_kv", {2, 2, 2, 4});
  };
  CHECK(names(pairing_error(heads), wrong,
              {"layer 3 (full attention, reads layer 2): KV heads: expected 1 as in", "found 4"}));
  SyntheticModel narrow_window;
  narrow_window.keep_key = [](const std::string& key) {
    return key != "gemma4.attention.sliding_window";
  };
  narrow_window.more_keys = [](GgufWriter& file) {
    file.value("gemma4.attention.sliding_window", std::uint32_t{1});
  };
  CHECK(names(pairing_error(with("gemma4-assistant.attention.sliding_window", std::uint32_t{1}),
                            narrow_window),
              wrong, {"sliding_window: expected at least 2, found 1"}));
}

TEST_CASE("a head size of another model") {
  SyntheticAssistant heads;
  heads.keep_key = [](const std::string& key) {
    return key != "gemma4-assistant.attention.key_length_swa" &&
           key != "gemma4-assistant.attention.value_length_swa";
  };
  heads.more_keys = [](GgufWriter& file) {
    file.value("gemma4-assistant.attention.key_length_swa", std::uint32_t{128});
    file.value("gemma4-assistant.attention.value_length_swa", std::uint32_t{128});
  };
  heads.change = [](WrittenTensor& tensor) {
    if (tensor.name.starts_with("blk.3")) return;
    const auto twice = [&](std::size_t dimension) {
      tensor.ne[dimension] *= 2;
      tensor.data += tensor.data;
    };
    if (tensor.name.ends_with("attn_q.weight")) twice(1);
    if (tensor.name.ends_with("attn_output.weight")) twice(0);
    if (tensor.name.ends_with("attn_q_norm.weight")) twice(0);
  };
  CHECK(names(
      pairing_error(heads), ErrorCode::invalid_argument,
      {"layer 0 (sliding attention, reads layer 1): head size: expected 64 as in", "found 128"}));
}

TEST_CASE("a kind of layer that the model does not have") {
  SyntheticModel sliding_only;
  sliding_only.keep_key = [](const std::string& key) {
    return key != "gemma4.attention.sliding_window_pattern" &&
           key != "gemma4.attention.head_count_kv" && key != "gemma4.block_count";
  };
  sliding_only.more_keys = [](GgufWriter& file) {
    file.value("gemma4.block_count", std::uint32_t{2});
    file.value("gemma4.attention.head_count_kv", std::uint32_t{2});
    file.array<bool>("gemma4.attention.sliding_window_pattern", {true, true});
  };
  CHECK(names(pairing_error({}, sliding_only), ErrorCode::invalid_argument,
              {"layer 3: expected a window as in", "found full attention"}));
}

TEST_CASE("files that are no assistant, and assistants that are no model") {
  const TemporaryFolder folder;
  const std::string model = folder.write("model.gguf", SyntheticModel{}.bytes());
  const std::string drafter = folder.write("drafter.gguf", SyntheticAssistant{}.bytes());
  LoadOptions options{.threads = 1};
  options.assistant = model;
  CHECK(names(error_of([&] { Model::load(model, options); }), ErrorCode::unsupported,
              {"model.gguf: general.architecture: expected \"gemma4-assistant\", found \"gemma4\"",
               "a model, not an assistant"}));
  CHECK(names(
      error_of([&] { Model::load(drafter); }), ErrorCode::unsupported,
      {"drafter.gguf: general.architecture", "not a model of its own", "LoadOptions::assistant"}));
  options.assistant = folder.path("nowhere.gguf");
  CHECK(error_of([&] { Model::load(model, options); }).code() == ErrorCode::io);
  const auto architecture = [](const char* name) {
    return with<std::string_view>("general.architecture", name);
  };
  CHECK(names(pairing_error(architecture("llama")), ErrorCode::unsupported,
              {"expected \"gemma4-assistant\"", "llama"}));
  CHECK(names(pairing_error(architecture("gemma4_assistant")), ErrorCode::unsupported,
              {"gemma4_assistant", "early conversion", "mtp."}));
  CHECK(names(pairing_error(changed([](WrittenTensor& tensor) {
                if (tensor.name.starts_with("nextn.")) tensor.name = "mtp." + tensor.name.substr(6);
              })),
              ErrorCode::unsupported,
              {"nextn.pre_projection.weight", "mtp.pre_projection.weight", "early conversion"}));
}

TEST_CASE("missing and misshapen tensors of an assistant") {
  for (const char* name :
       {"token_embd.weight", "output_norm.weight", "nextn.pre_projection.weight",
        "nextn.post_projection.weight", "blk.0.attn_q.weight", "blk.3.attn_q_norm.weight",
        "blk.1.attn_output.weight", "blk.2.ffn_gate.weight", "blk.0.post_ffw_norm.weight"}) {
    CAPTURE(name);
    CHECK(names(pairing_error(changed([&](WrittenTensor& tensor) {
                  if (tensor.name == name) tensor.name.clear();
                })),
                ErrorCode::format, {name, "found no such tensor"}));
    CHECK(names(pairing_error(changed([&](WrittenTensor& tensor) {
                  if (tensor.name != name) return;
                  tensor.ne.push_back(2);
                  tensor.data += tensor.data;
                })),
                ErrorCode::format, {name, "expected shape", "found ["}));
  }
  CHECK(names(pairing_error(changed([](WrittenTensor& tensor) {
                if (tensor.name != "nextn.post_projection.weight") return;
                tensor.type = static_cast<std::uint32_t>(TensorType::i32);
                tensor.data.assign(512 * 256 * 4, '\0');
              })),
              ErrorCode::unsupported, {"nextn.post_projection.weight", "found I32"}));
  CHECK(static_cast<int>(pairing_error(changed([](WrittenTensor& tensor) {
                           if (tensor.name == "rope_freqs.weight") tensor.name.clear();
                         })).code()) == 0);  // the rule they state holds without them
}

TEST_CASE("missing and contradicting keys of an assistant") {
  for (const char* key :
       {"general.architecture", "gemma4-assistant.block_count", "gemma4-assistant.context_length",
        "gemma4-assistant.embedding_length", "gemma4-assistant.embedding_length_out",
        "gemma4-assistant.feed_forward_length", "gemma4-assistant.attention.head_count",
        "gemma4-assistant.attention.head_count_kv", "gemma4-assistant.attention.key_length",
        "gemma4-assistant.attention.value_length_swa", "gemma4-assistant.attention.sliding_window",
        "gemma4-assistant.attention.sliding_window_pattern",
        "gemma4-assistant.attention.layer_norm_rms_epsilon", "tokenizer.ggml.tokens"}) {
    SyntheticAssistant assistant;
    assistant.keep_key = [&](const std::string& name) { return name != key; };
    CHECK(names(pairing_error(assistant), ErrorCode::format, {key}));
  }
  const auto number = [](const char* key, std::uint64_t value) {
    return pairing_error(with(std::string("gemma4-assistant.") + key, value));
  };
  CHECK(names(number("embedding_length_out", 0), ErrorCode::format, {"32 ... ", "found 0"}));
  CHECK(names(number("embedding_length_out", ~0ull), ErrorCode::format, {"embedding_length_out"}));
  CHECK(names(number("embedding_length_out", 250), ErrorCode::format, {"multiple of 32"}));
  CHECK(names(number("embedding_length_out", 512), ErrorCode::format,
              {"nextn.pre_projection.weight", "[1024, 512]", "[512, 512]"}));
  CHECK(names(number("attention.shared_kv_layers", 2), ErrorCode::format,
              {"attention.shared_kv_layers: expected 4, all layers, found 2"}));
  CHECK(names(number("attention.head_count", 3), ErrorCode::format, {"divisor of 3"}));
  CHECK(names(number("block_count", 1u << 20), ErrorCode::format, {"block_count"}));
}

TEST_CASE("centroid tensors that contradict each other") {
  SyntheticAssistant base;
  base.centroids = 16;
  const auto error = [&](const char* name, std::function<void(WrittenTensor&)> change) {
    SyntheticAssistant assistant = base;
    assistant.change = [=](WrittenTensor& tensor) {
      if (tensor.name == name) change(tensor);
    };
    return pairing_error(assistant);
  };
  const char *ordering = "masked_embd_ordering", *centroids = "masked_embd_centroids.weight";
  const auto gone = [](WrittenTensor& tensor) { tensor.name.clear(); };
  CHECK(static_cast<int>(error("", gone).code()) == 0);
  CHECK(names(error(ordering, gone), ErrorCode::format, {ordering, "found no such tensor"}));
  CHECK(names(error(centroids, gone), ErrorCode::format, {centroids, "found no such tensor"}));
  const auto put = [](std::int64_t token) {
    return [=](WrittenTensor& tensor) {
      std::memcpy(tensor.data.data() + 5 * sizeof token, &token, sizeof token);
    };
  };
  for (const std::int64_t token : {std::int64_t{-1}, std::int64_t{512}, std::int64_t{1} << 40})
    CHECK(names(error(ordering, put(token)), ErrorCode::format, {ordering, "element 5", "once"}));
  CHECK(names(
      error(ordering, [](WrittenTensor& tensor) { tensor.data.replace(8, 8, tensor.data, 0, 8); }),
      ErrorCode::format, {ordering, "element 1", "0 ... 511 once"}));
  CHECK(names(error(ordering,
                    [](WrittenTensor& tensor) {
                      tensor.ne[0] = 256;
                      tensor.data.resize(256 * 8);
                    }),
              ErrorCode::format, {ordering, "expected shape [512], found [256]"}));
  CHECK(names(error(ordering,
                    [](WrittenTensor& tensor) {
                      tensor.type = static_cast<std::uint32_t>(TensorType::f32);
                      tensor.data.resize(512 * 4);
                    }),
              ErrorCode::unsupported, {ordering, "expected I64 or I32, found F32"}));
  for (const std::uint64_t count : {3u, 64u, 1024u}) {
    CHECK(names(error(centroids,
                      [=](WrittenTensor& tensor) {
                        tensor.ne[1] = count;
                        tensor.data.resize(count * 512 / 32 * 18);
                      }),
                ErrorCode::unsupported, {centroids, "multiple of 16 tokens", "for 512 tokens"}));
  }
}

TEST_CASE("an assistant cut short at any place is refused") {
  const TemporaryFolder folder;
  const std::string model = folder.write("model.gguf", SyntheticModel{}.bytes());
  const std::string whole = SyntheticAssistant{}.bytes();
  const std::size_t step = whole.size() / 61;
  for (std::size_t size = step; size < whole.size(); size += step) {
    const std::string path = folder.write("cut.gguf", whole.substr(0, size));
    const Error error = error_of([&] { plan_memory(model, {}, path); });
    CHECK(error.code() == ErrorCode::format);
    CHECK(contains(error.what(), "cut.gguf"));
  }
}

}  // namespace gemma4::test
