// Hugging Face folders: the same model as the GGUF made from the same weights, and refusals of what
// is not one.
#include "weights/hf_folder.hpp"

#include <cstdlib>
#include <vector>

#include "gemma4/gemma4.hpp"
#include "io/gguf.hpp"
#include "kernels/random.hpp"
#include "text/tokenizer.hpp"
#include "weights/assistant_config.hpp"
#include "weights/hf_fixture.hpp"
#include "weights/hf_tokenizer.hpp"
#include "weights/model_config.hpp"

namespace gemma4::test {
namespace {

void check_same_tensors(const std::string& folder, const std::string& gguf) {
  const Checkpoint a = open_checkpoint(folder), b = open_checkpoint(gguf);
  CHECK(a.tensors.all().size() == b.tensors.all().size());
  std::size_t packed = 0;
  for (const TensorView& expected : b.tensors.all()) {
    CAPTURE(expected.name);
    const TensorView* found = a.tensors.find(expected.name);
    REQUIRE(found != nullptr);
    CHECK(found->ne == expected.ne);
    CHECK(same_bits(values_of(*found), values_of(expected)));
    packed += found->type == TensorType::i4;
  }
  CHECK(packed > 20);
}

void check_same_shapes(const ModelConfig& a, const ModelConfig& b) {
  CHECK(a.architecture == b.architecture);
  CHECK(a.hidden == b.hidden);
  CHECK(a.query_heads == b.query_heads);
  CHECK(a.vocabulary == b.vocabulary);
  CHECK(a.context_limit == b.context_limit);
  CHECK(a.window == b.window);
  CHECK(a.norm_epsilon == b.norm_epsilon);
  CHECK(a.softcap == b.softcap);
  CHECK(a.rope_base == b.rope_base);
  CHECK(a.rope_base_sliding == b.rope_base_sliding);
  CHECK(a.embedding_scale == b.embedding_scale);
  REQUIRE(a.layers.size() == b.layers.size());
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    CHECK(a.layers[i].sliding == b.layers[i].sliding);
    CHECK(a.layers[i].kv_heads == b.layers[i].kv_heads);
    CHECK(a.layers[i].head_size == b.layers[i].head_size);
    CHECK(a.layers[i].feed_forward == b.layers[i].feed_forward);
  }
}

ModelConfig config_of(const std::string& path) {
  return read_model_config(open_checkpoint(path).metadata);
}

/// The config.json of a text model alone that is inside a whole one.
std::string text_config(const std::string& config) {
  const std::size_t begin = config.find('{', config.find("\"text_config\"")),
                    end = config.find("\"quantization_config\"");
  std::string text = config.substr(begin, config.rfind('}', end) + 1 - begin);
  return text.insert(1, config.substr(end, config.find("\"vision_config\"") - end));
}

void check_same_tokens(const Tokenizer::Impl& a, const Tokenizer::Impl& b,
                       const std::string& text) {
  for (const SpecialTokens special :
       {SpecialTokens::none, SpecialTokens::user_defined, SpecialTokens::all}) {
    std::vector<Token> first, second;
    a.encode(text, special, first);
    b.encode(text, special, second);
    REQUIRE(first == second);
  }
}

void check_same_tokenizer(const Metadata& first, const Metadata& second) {
  const auto a = Tokenizer::Impl::from_metadata(first), b = Tokenizer::Impl::from_metadata(second);
  REQUIRE(a->vocabulary_size() == b->vocabulary_size());
  for (Token id = 0; id < a->vocabulary_size(); ++id) {
    REQUIRE(a->piece(id, true) == b->piece(id, true));
    REQUIRE(a->piece(id, false) == b->piece(id, false));
    REQUIRE(a->is_special(id) == b->is_special(id));
    REQUIRE(a->is_byte(id) == b->is_byte(id));
    REQUIRE(a->is_end_of_generation(id) == b->is_end_of_generation(id));
  }
  CHECK(a->chat_template() == b->chat_template());
  for (const char* file : {"heldout.txt", "tokenize.json", "chat.json", "tokenizer-vectors.json",
                           "chat-template-vectors.json", "README.md"}) {
    CAPTURE(file);
    check_same_tokens(*a, *b, read_file(std::string(GEMMA4_SOURCE_DIR "/tests/golden/") + file));
  }
  Random random(3);
  for (int i = 0; i < 50; ++i) {  // any bytes
    std::string text;
    for (int k = 0; k < 200; ++k) text += static_cast<char>(random.bits());
    check_same_tokens(*a, *b, text);
  }
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      constexpr const char* kDigits = "0123456789abcdef";
      out += std::string("\\u00") + kDigits[c >> 4] + kDigits[c & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// A tokenizer.json with a GGUF's vocabulary; merges as pairs or as texts.
std::string tokenizer_json(const Metadata& metadata, bool pairs) {
  const auto& tokens = *metadata.text_array("tokenizer.ggml.tokens");
  const auto types = *metadata.unsigned_array("tokenizer.ggml.token_type");
  std::string added, vocab, merges;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const std::string text = json_string(tokens[id]);
    vocab += (vocab.empty() ? "" : ",") + text + ":" + std::to_string(id);
    if (types[id] != 3 && types[id] != 4) continue;
    added += (added.empty() ? "" : ",") + std::string("{\"id\":") + std::to_string(id) +
             ",\"content\":" + text + ",\"special\":true}";
  }
  for (const std::string_view merge : *metadata.text_array("tokenizer.ggml.merges")) {
    const std::size_t space = merge.find(' ', 1);
    merges += merges.empty() ? "" : ",";
    merges += pairs ? "[" + json_string(merge.substr(0, space)) + "," +
                          json_string(merge.substr(space + 1)) + "]"
                    : json_string(merge);
  }
  return "{\"added_tokens\":[" + added + "],\"model\":{\"type\":\"BPE\",\"byte_fallback\":true," +
         "\"vocab\":{" + vocab + "},\"merges\":[" + merges + "]}}";
}

Checkpoint tokenizer_of(const std::string& json, std::uint64_t vocabulary = 0) {
  Checkpoint out;
  out.metadata = Metadata("tokenizer.json");
  const JsonFile file(std::as_bytes(std::span(json)), "tokenizer.json");
  add_hf_tokenizer(file.root(), vocabulary, out);
  return out;
}

/// The error of opening a changed copy of the tiny model's folder.
std::string refusal(const HfCopy& copy, ErrorCode code, const std::string& expected) {
  const Error error = error_of([&] {
    const Checkpoint file = open_checkpoint(copy.path());
    read_model_config(file.metadata);
  });
  CAPTURE(error.what());
  CHECK(error.code() == code);
  CHECK(contains(error.what(), expected));
  return error.what();
}

void check_config_refused(std::string_view from, std::string_view to, ErrorCode code,
                          const std::string& expected) {
  const HfCopy copy(hf_target());
  copy.change("config.json", from, to);
  CAPTURE(to);
  CHECK(contains(refusal(copy, code, expected), "config.json"));
}

const std::string kQuery = "model.language_model.layers.0.self_attn.q_proj";

void check_tensor_refused(const std::string& suffix, ErrorCode code, const std::string& expected,
                          void (*change)(std::string&, std::string&, std::vector<std::uint64_t>&,
                                         std::string&)) {
  const HfCopy copy(hf_target());
  copy.write("model.safetensors", rewritten([&](auto& name, auto& type, auto& shape, auto& data) {
               if (name == kQuery + suffix) change(name, type, shape, data);
             }));
  CAPTURE(suffix);
  refusal(copy, code, expected);
}

}  // namespace

TEST_CASE("a folder has the tensors of the GGUF made from the same weights, bit for bit") {
  check_same_tensors(hf_target(), gguf_target());
  check_same_tensors(hf_assistant(), gguf_assistant());
}

TEST_CASE("a folder has the shapes of the GGUF made from the same weights") {
  check_same_shapes(config_of(hf_target()), config_of(gguf_target()));
  const AssistantConfig a = read_assistant_config(open_checkpoint(hf_assistant()).metadata),
                        b = read_assistant_config(open_checkpoint(gguf_assistant()).metadata);
  check_same_shapes(a.shapes, b.shapes);
  CHECK(a.backbone == b.backbone);
  CHECK(config_of(hf_target() + "/config.json").hidden == 192);
  CHECK(config_of(hf_target() + "/model.safetensors").hidden == 192);
}

TEST_CASE("what is not used is noted") {
  const Checkpoint file = open_checkpoint(hf_target() + "/");
  CHECK(file.metadata.text("general.name") == "gemma4-tiny");
  REQUIRE(file.notes.size() == 1);
  CHECK(contains(file.notes[0], "head, which is the embedding: 1 tensor, 589824 bytes"));

  const HfCopy copy(hf_target());
  SafetensorsWriter more;
  const std::string extra = rewritten([](auto& name, auto&, auto&, auto&) {
    if (name == "lm_head.weight") name = "model.vision_tower.patch.weight";
  });
  copy.write("model.safetensors", extra);
  copy.remove("chat_template.jinja");
  const Checkpoint other = open_checkpoint(copy.path());
  REQUIRE(other.notes.size() == 2);
  CHECK(contains(other.notes[1], "vision: 1 tensor"));
  CHECK(contains(other.notes[0], "chat template: none"));

  for (const char* name :
       {"model.audio_tower.conv.weight", "model.embed_audio.projection.weight"}) {
    copy.write("model.safetensors", rewritten([&](auto& tensor, auto&, auto&, auto&) {
                 if (tensor == "lm_head.weight") tensor = name;
               }));
    CHECK(inspect(copy.path()).notes.back() ==
          "audio: 1 tensor, 589824 bytes, not used (\"" + std::string(name) + "\")");
  }
}

TEST_CASE("the tokenizer of a folder is the GGUF's, on every test text") {
  const Checkpoint folder = open_checkpoint(hf_target()), gguf = open_checkpoint(gguf_target());
  check_same_tokenizer(folder.metadata, gguf.metadata);
}

TEST_CASE("a GGUF's vocabulary as tokenizer.json is the same tokenizer, in both forms of merges") {
  const Checkpoint gguf = open_checkpoint(gguf_target());
  for (const bool pairs : {true, false}) {
    Checkpoint folder = tokenizer_of(tokenizer_json(gguf.metadata, pairs), pairs ? 1536 : 0);
    add_chat_template(*gguf.metadata.text("tokenizer.chat_template"), folder);
    check_same_tokenizer(folder.metadata, gguf.metadata);
  }
}

TEST_CASE("the real vocabulary as tokenizer.json is the same tokenizer") {
  const char* path = std::getenv("GEMMA4_TEST_VOCAB");
  if (path == nullptr) {
    MESSAGE("skipped: GEMMA4_TEST_VOCAB names no vocabulary file");
    return;
  }
  const Checkpoint gguf = open_checkpoint(path);
  Checkpoint folder = tokenizer_of(tokenizer_json(gguf.metadata, true), 262144);
  if (const auto text = gguf.metadata.text("tokenizer.chat_template"))
    add_chat_template(*text, folder);
  check_same_tokenizer(folder.metadata, gguf.metadata);
}

TEST_CASE("ids that a tokenizer.json leaves out") {
  const Checkpoint gguf = open_checkpoint(gguf_target());
  const Checkpoint file = tokenizer_of(tokenizer_json(gguf.metadata, true), 1538);
  const auto& tokens = *file.metadata.text_array("tokenizer.ggml.tokens");
  REQUIRE(tokens.size() == 1538);
  CHECK(tokens[1537] == "[PAD1537]");
  const auto tokenizer = Tokenizer::Impl::from_metadata(file.metadata);
  CHECK(tokenizer->vocabulary_size() == 1538);
  const Error many = error_of([&] { tokenizer_of(tokenizer_json(gguf.metadata, true), 1u << 24); });
  CHECK(many.code() == ErrorCode::format);
  CHECK(contains(many.what(), "found 16777216"));
}

TEST_CASE("tokenizers that work otherwise are refused by name") {
  const std::string model =
      R"("model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0},"merges":[]})";
  CHECK_NOTHROW(tokenizer_of("{" + model + "}"));
  const auto refused = [](const std::string& json, ErrorCode code, const std::string& expected) {
    const Error error = error_of([&] { tokenizer_of(json); });
    CAPTURE(error.what());
    CHECK(error.code() == code);
    CHECK(contains(error.what(), expected));
    CHECK(contains(error.what(), "tokenizer.json"));
  };
  constexpr ErrorCode kUnsupported = ErrorCode::unsupported, kFormat = ErrorCode::format;
  refused("{\"normalizer\":{\"type\":\"NFKC\"}," + model + "}", kUnsupported, "NFKC");
  refused("{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Lowercase\"}]}," +
              model + "}",
          kUnsupported, "Lowercase");
  refused("{\"pre_tokenizer\":{\"type\":\"ByteLevel\"}," + model + "}", kUnsupported, "ByteLevel");
  refused("{" + replaced(model, "BPE", "Unigram") + "}", kUnsupported, "Unigram");
  refused("{" + replaced(model, "true", "false") + "}", kUnsupported, "byte_fallback");
  refused("{" + replaced(model, "true", "true,\"ignore_merges\":true") + "}", kUnsupported,
          "ignore_merges");
  refused("{" + replaced(model, "\"a\":0", "\"a\":1") + "}", kFormat, "from 0 to 0");
  refused("{" + replaced(model, "\"a\":0", "\"a\":-1,\"b\":0") + "}", kFormat, "something else");
  refused("{" + replaced(model, "\"a\":0", "\"a\":0,\"b\":0") + "}", kFormat, "\"a\" and \"b\"");
  refused("{" + replaced(model, "\"a\":0", "") + "}", kFormat, "tokens");
  refused("{" + replaced(model, "[]", "[[\"a\"]]") + "}", kFormat, "pairs");
  refused("{" + replaced(model, "[]", "[[\"a b\",\"c\"]]") + "}", kFormat, "without spaces");
  refused("{" + replaced(model, "[]", "7") + "}", kFormat, "an array");
  refused("{\"added_tokens\":[{\"id\":0,\"content\":\"a\",\"lstrip\":true}]," + model + "}",
          kUnsupported, "lstrip");
  refused("{\"added_tokens\":[{\"id\":0,\"content\":\"b\"}]," + model + "}", kFormat,
          "\"a\" and \"b\"");
  refused("{}", kFormat, "model");
}

TEST_CASE("every kind of Gemma 4, by its model_type") {
  const HfCopy target(hf_target()), assistant(hf_assistant());
  for (const std::string type :
       {"gemma4", "gemma4_unified", "gemma4_text", "gemma4_unified_text"}) {
    CAPTURE(type);
    const bool text_only = type.ends_with("_text");
    const std::string config = target.original("config.json");
    target.write(
        "config.json",
        replaced(text_only ? text_config(config) : config,
                 text_only ? "\"gemma4_unified_text\"" : "\"gemma4_unified\"", "\"" + type + "\""));
    check_same_shapes(config_of(target.path()), config_of(gguf_target()));
    check_same_tensors(target.path(), gguf_target());
  }
  for (const std::string type : {"gemma4_assistant", "gemma4_unified_assistant"}) {
    CAPTURE(type);
    assistant.change("config.json", "\"gemma4_unified_assistant\"", "\"" + type + "\"");
    check_same_tensors(assistant.path(), gguf_assistant());
    LoadOptions options;
    options.assistant = assistant.path();
    CHECK(Model::load(target.path(), options).info().assistant->layers.size() == 4);
  }
}

TEST_CASE("the text model alone, and heads layer by layer") {
  const HfCopy copy(hf_target());
  std::string text = text_config(copy.original("config.json"));
  copy.write("config.json", text);
  check_same_shapes(config_of(copy.path()), config_of(gguf_target()));

  text = replaced(text, "\"global_head_dim\": 64,", "");
  text = replaced(text, "\"num_global_key_value_heads\": 1,",
                  "\"per_layer_config\":{\"5\":{\"head_dim\":64,\"num_key_value_heads\":1}},");
  copy.write("config.json", text);
  check_same_shapes(config_of(copy.path()), config_of(gguf_target()));
  copy.write("config.json", replaced(text, "{\"5\"", "{\"6\""));
  refusal(copy, ErrorCode::format, "a layer from 0 to 5");
  copy.write("config.json", replaced(text, "{\"5\"", "{\"0\""));
  refusal(copy, ErrorCode::unsupported, "one head size");
}

TEST_CASE("sampling and suppressed tokens come from generation_config.json") {
  const HfCopy copy(hf_target());
  copy.write("generation_config.json",
             R"({"temperature":0.5,"top_k":7,"top_p":0.25,"suppress_tokens":[30,31]})");
  const Checkpoint file = open_checkpoint(copy.path());
  const SamplingOptions sampling = read_model_config(file.metadata).sampling;
  CHECK(sampling.temperature == 0.5f);
  CHECK(sampling.top_k == 7);
  CHECK(sampling.top_p == 0.25f);
  CHECK(Tokenizer::Impl::from_metadata(file.metadata)->suppressed() == std::vector<Token>{30, 31});
  CHECK(inspect(copy.path()).info.recommended_sampling.suppress == std::vector<Token>{30, 31});
  copy.write("generation_config.json", R"({"suppress_tokens":[-1]})");
  refusal(copy, ErrorCode::format, "token ids");
}

TEST_CASE("the chat template of tokenizer_config.json, when there is no file of its own") {
  const HfCopy copy(hf_target());
  copy.remove("chat_template.jinja");
  copy.write("tokenizer_config.json", R"({"chat_template":"{{ one }}"})");
  CHECK(open_checkpoint(copy.path()).metadata.text("tokenizer.chat_template") == "{{ one }}");
  copy.write("tokenizer_config.json", R"({"chat_template":[{"name":"tool_use","template":"x"},)"
                                      R"({"name":"default","template":"y"}]})");
  CHECK(open_checkpoint(copy.path()).metadata.text("tokenizer.chat_template") == "y");
}

TEST_CASE("configurations that this version does not compute") {
  constexpr ErrorCode kUnsupported = ErrorCode::unsupported;
  check_config_refused("\"gemma4_unified\"", "\"gemma3\"", kUnsupported, "\"gemma3\"");
  check_config_refused("\"gelu_pytorch_tanh\"", "\"silu\"", kUnsupported, "\"silu\"");
  check_config_refused("\"attention_bias\": false", "\"attention_bias\": true", kUnsupported,
                       "attention_bias");
  check_config_refused("\"use_cache\": true", "\"enable_moe_block\": true", kUnsupported,
                       "mixture of experts");
  check_config_refused("\"use_cache\": true", "\"hidden_size_per_layer_input\": 256", kUnsupported,
                       "per-layer embeddings");
  check_config_refused("\"num_kv_shared_layers\": 0", "\"num_kv_shared_layers\": 2", kUnsupported,
                       "share another layer's KV");
  check_config_refused("\"proportional\"", "\"yarn\"", kUnsupported, "\"yarn\"");
  check_config_refused("30.0", "null", kUnsupported, "final_logit_softcapping");
}

TEST_CASE("configurations that are wrong") {
  constexpr ErrorCode kFormat = ErrorCode::format;
  check_config_refused("\"hidden_size\": 192", "\"hidden_size\": -192", kFormat, "hidden_size");
  check_config_refused("\"hidden_size\": 192", "\"hidden_size\": 9223372036854775808", kFormat,
                       "9223372036854775808");
  check_config_refused("\"hidden_size\": 192", "\"hidden_size\": 18446744073709551616", kFormat,
                       "JSON");
  check_config_refused("\"hidden_size\": 192", "\"hidden_sizes\": 192", kFormat, "no such key");
  check_config_refused("\"hidden_size\": 192", "\"vocab_size\": 192", kFormat, "several");
  check_config_refused("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 7", kFormat,
                       "7 types of layers");
  check_config_refused("\"full_attention\"\n", "\"strange_attention\"\n", kFormat,
                       "strange_attention");
  check_config_refused("\"partial_rotary_factor\": 0.25", "\"partial_rotary_factor\": 25", kFormat,
                       "partial_rotary_factor");
  check_config_refused("\"global_head_dim\": 64", "\"global_head_dim\": 2000000", kFormat,
                       "global_head_dim");
  check_config_refused("\"text_config\"", "\"other_config\"", kFormat, "text_config");
  check_config_refused("{", std::string(200, '['), kFormat, "JSON");
}

TEST_CASE("quantisations that this version does not compute are refused by name") {
  constexpr ErrorCode kUnsupported = ErrorCode::unsupported;
  check_config_refused("\"compressed-tensors\"", "\"gptq\"", kUnsupported, "\"gptq\"");
  check_config_refused("\"pack-quantized\"", "\"marlin-24\"", kUnsupported, "\"marlin-24\"");
  check_config_refused("\"num_bits\": 4", "\"num_bits\": 8", kUnsupported, "num_bits");
  check_config_refused("\"type\": \"int\"", "\"type\": \"float\"", kUnsupported, "\"float\"");
  check_config_refused("\"group_size\": 32", "\"group_size\": 48", kUnsupported, "group_size");
  check_config_refused("\"strategy\": \"group\"", "\"strategy\": \"token\"", kUnsupported,
                       "\"token\"");
  check_config_refused("\"actorder\": null", "\"actorder\": \"group\"", kUnsupported, "actorder");
  check_config_refused("\"dynamic\": false", "\"dynamic\": true", kUnsupported, "dynamic");
  check_config_refused("\"input_activations\": null", "\"input_activations\": {\"num_bits\":8}",
                       kUnsupported, "input_activations");
  check_config_refused("\"kv_cache_scheme\": null", "\"kv_cache_scheme\": {\"num_bits\":8}",
                       kUnsupported, "kv_cache_scheme");
  check_config_refused("\"compressed\"", "\"frozen\"", kUnsupported, "\"frozen\"");
  check_config_refused("\"lm_head\"", "\"re:(?!a)\"", kUnsupported, "regular expression");
}

TEST_CASE("packed tensors that the configuration does not name, and the other way round") {
  const HfCopy copy(hf_target());
  for (const char* ignored :
       {"\"re:.*self_attn.*\"", "\"model.language_model.layers.3.mlp.down_proj\"", "\"Linear\""}) {
    copy.change("config.json", "\"lm_head\"", ignored);
    refusal(copy, ErrorCode::format, "does not ignore");
  }
  copy.change("config.json", "\"Linear\"", "\"re:.*(self_attn|mlp)\\\\.[a-z]+_proj$\"");
  CHECK(open_checkpoint(copy.path()).tensors.find("blk.0.attn_q.weight") != nullptr);
  copy.change("config.json", "\"Linear\"", "\"re:.*mlp.*\"");
  refusal(copy, ErrorCode::format, "does not ignore");
  copy.change("config.json", "\"quantization_config\"", "\"another_config\"");
  refusal(copy, ErrorCode::format, "quantization_config");
}

TEST_CASE("tensors that are wrong") {
  constexpr ErrorCode kFormat = ErrorCode::format, kUnsupported = ErrorCode::unsupported;
  using Shape = std::vector<std::uint64_t>;
  check_tensor_refused(".weight_scale", kFormat, "weight_scale\": expected it beside",
                       [](auto& name, auto&, auto&, auto&) { name.clear(); });
  check_tensor_refused(".weight_shape", kFormat, "weight_shape\": expected it beside",
                       [](auto& name, auto&, auto&, auto&) { name.clear(); });
  check_tensor_refused(".weight_packed", kFormat, "weight_packed\": expected it beside",
                       [](auto& name, auto&, auto&, auto&) { name.clear(); });
  check_tensor_refused(".weight_packed", kUnsupported, "expected I32, found F32",
                       [](auto&, auto& type, auto&, auto&) { type = "F32"; });
  check_tensor_refused(".weight_packed", kFormat, "expected shape [128, 24], found [24, 128]",
                       [](auto&, auto&, auto& shape, auto&) { std::swap(shape[0], shape[1]); });
  check_tensor_refused(".weight_scale", kFormat, "expected shape [128, 6], found [768]",
                       [](auto&, auto&, auto& shape, auto&) { shape = Shape{768}; });
  check_tensor_refused(".weight_scale", kUnsupported, "found I16",
                       [](auto&, auto& type, auto&, auto&) { type = "I16"; });
  for (const std::int64_t columns : {-192ll, 0ll, 100ll, 1ll << 40}) {
    static std::int64_t wanted;
    wanted = columns;
    check_tensor_refused(".weight_shape", kFormat, std::to_string(columns),
                         [](auto&, auto&, auto&, auto& data) {
                           data = bytes_of<std::int64_t>({128, wanted});
                         });
  }
  check_tensor_refused(".weight_shape", kUnsupported, "another order",
                       [](auto& name, auto&, auto&, auto&) { name = kQuery + ".weight_g_idx"; });

  const HfCopy copy(hf_target());
  copy.write("model.safetensors", rewritten([](auto& name, auto&, auto&, auto&) {
               if (name == "lm_head.weight") name = kQuery + ".weight_zero_point";
             }));
  refusal(copy, kFormat, "expected none, as symmetric says, found zero points");
  copy.write("model.safetensors", rewritten([](auto& name, auto&, auto&, auto&) {
               if (name == "lm_head.weight") name = kQuery + ".bias";
             }));
  refusal(copy, kUnsupported, "biases");
  copy.write("model.safetensors", rewritten([](auto& name, auto&, auto&, auto&) {
               if (name == "lm_head.weight") name = "model.embed_tokens.weight";
             }));
  refusal(copy, kFormat, "one tensor of this meaning");
}

TEST_CASE("a vocabulary that the configuration has no room for") {
  const HfCopy copy(hf_target());
  copy.change("config.json", "\"vocab_size\": 1536", "\"vocab_size\": 1535");
  CHECK(contains(refusal(copy, ErrorCode::format, "from 0 to 1534"), "tokenizer.json"));
}

TEST_CASE("layers without a V projection must say so") {
  const HfCopy copy(hf_target());
  copy.change("config.json", "\"attention_k_eq_v\": true", "\"attention_k_eq_v\": false");
  refusal(copy, ErrorCode::format, "attention_k_eq_v");
}

TEST_CASE("files that a folder needs") {
  for (const char* file : {"config.json", "tokenizer.json", "model.safetensors"}) {
    const HfCopy copy(hf_target());
    copy.remove(file);
    refusal(copy, ErrorCode::io, file);
  }
}

}  // namespace gemma4::test
