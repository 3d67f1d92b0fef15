#include "folder_writer.hpp"

#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/half.hpp"
#include "text/json.hpp"
#include "weights/assistant_config.hpp"
#include "weights/block_formats.hpp"
#include "weights/hf_names.hpp"
#include "weights/model_config.hpp"

namespace gemma4::synthetic {
namespace {

constexpr std::uint64_t kBlock = 32, kBlockBytes = 18;  // Q4_0: a scale and 16 bytes of codes

constexpr const char* kQuantization =
    R"("quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized",)"
    R"("quantization_status":"compressed","kv_cache_scheme":null,"ignore":["lm_head"],)"
    R"("config_groups":{"group_0":{"targets":["Linear"],"input_activations":null,)"
    R"("output_activations":null,"weights":{"num_bits":4,"type":"int","symmetric":true,)"
    R"("strategy":"group","group_size":32,"dynamic":false,"actorder":null}}}},)";

std::string text_of(std::uint64_t value) { return std::to_string(value); }

class File {
 public:
  explicit File(const std::filesystem::path& path)
      : path_(path), out_(path, std::ios::binary | std::ios::trunc) {}
  void write(const void* bytes, std::size_t count) {
    out_.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(count));
  }
  void write(std::string_view text) { write(text.data(), text.size()); }
  void close() {
    out_.close();
    if (!out_) throw Error(ErrorCode::io, path_.string() + ": cannot write the file");
  }

 private:
  std::filesystem::path path_;
  std::ofstream out_;
};

void write_text(const std::filesystem::path& path, std::string_view text) {
  File file(path);
  file.write(text);
  file.close();
}

std::uint16_t to_bf16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// One tensor of the file to come.
struct Entry {
  std::string name;
  const char* type;
  std::vector<std::uint64_t> shape;
  std::uint64_t bytes;
  std::function<void(File&)> write;
};

const std::byte* row_of(const TensorView& tensor, std::uint64_t row) {
  return tensor.bytes.data() + row * tensor.row_bytes();
}

void write_values(const TensorView& tensor, File& file) {
  std::vector<float> values(tensor.ne[0]);
  std::vector<std::uint16_t> rounded(values.size());
  for (std::uint64_t r = 0; r < tensor.ne[1]; ++r) {
    dequantize_row(tensor.type, {row_of(tensor, r), tensor.row_bytes()}, values);
    for (std::size_t i = 0; i < values.size(); ++i) rounded[i] = to_bf16(values[i]);
    file.write(rounded.data(), rounded.size() * sizeof(std::uint16_t));
  }
}

/// Two codes of neighbouring columns a byte, where Q4_0 has columns j and j + 16.
void write_codes(const TensorView& tensor, File& file) {
  std::vector<std::uint8_t> row(tensor.ne[0] / 2);
  for (std::uint64_t r = 0; r < tensor.ne[1]; ++r) {
    for (std::uint64_t b = 0; b < tensor.ne[0] / kBlock; ++b) {
      std::uint8_t block[kBlockBytes];
      std::memcpy(block, row_of(tensor, r) + b * kBlockBytes, sizeof block);
      for (std::uint64_t j = 0; j < 8; ++j) {
        const unsigned first = block[2 + 2 * j], second = block[3 + 2 * j];
        row[16 * b + j] = static_cast<std::uint8_t>((first & 15) | ((second & 15) << 4));
        row[16 * b + 8 + j] = static_cast<std::uint8_t>((first >> 4) | ((second >> 4) << 4));
      }
    }
    file.write(row.data(), row.size());
  }
}

void write_scales(const TensorView& tensor, File& file) {
  std::vector<std::uint16_t> row(tensor.ne[0] / kBlock);
  for (std::uint64_t r = 0; r < tensor.ne[1]; ++r) {
    for (std::size_t b = 0; b < row.size(); ++b) {
      std::uint16_t half;
      std::memcpy(&half, row_of(tensor, r) + b * kBlockBytes, sizeof half);
      row[b] = to_bf16(half_to_float(half));
    }
    file.write(row.data(), row.size() * sizeof(std::uint16_t));
  }
}

void add_packed(const std::string& name, const TensorView& tensor, std::vector<Entry>& entries) {
  const std::string module = name.substr(0, name.size() - std::strlen(".weight"));
  const std::uint64_t columns = tensor.ne[0], rows = tensor.ne[1];
  entries.push_back({module + ".weight_packed",
                     "I32",
                     {rows, columns / 8},
                     rows * columns / 2,
                     [&tensor](File& file) { write_codes(tensor, file); }});
  entries.push_back({module + ".weight_scale",
                     "BF16",
                     {rows, columns / kBlock},
                     rows * columns / kBlock * 2,
                     [&tensor](File& file) { write_scales(tensor, file); }});
  entries.push_back({module + ".weight_shape", "I64", {2}, 16, [rows, columns](File& file) {
                       const std::uint64_t shape[2] = {rows, columns};
                       file.write(shape, sizeof shape);
                     }});
}

void write_tensors(const Checkpoint& source, bool assistant, FolderKind kind,
                   const std::filesystem::path& path) {
  std::vector<Entry> entries;
  for (const TensorView& tensor : source.tensors.all()) {
    const auto name = hf_name(tensor.name, assistant);
    if (!name) continue;  // config.json says the rotary factors
    if (kind == FolderKind::w4a16 && tensor.type == TensorType::q4_0) {
      add_packed(*name, tensor, entries);
      continue;
    }
    std::vector<std::uint64_t> shape;
    for (std::uint32_t i = tensor.dimensions; i-- > 0;) shape.push_back(tensor.ne[i]);
    entries.push_back({*name, "BF16", std::move(shape), tensor.elements() * 2,
                       [&tensor](File& file) { write_values(tensor, file); }});
  }
  std::string header = R"({"__metadata__":{"format":"pt"})";
  std::uint64_t offset = 0;
  for (const Entry& entry : entries) {
    header += ",\"" + entry.name + R"(":{"dtype":")" + entry.type + R"(","shape":[)";
    for (std::size_t i = 0; i < entry.shape.size(); ++i)
      header += (i == 0 ? "" : ",") + text_of(entry.shape[i]);
    header +=
        R"(],"data_offsets":[)" + text_of(offset) + "," + text_of(offset + entry.bytes) + "]}";
    offset += entry.bytes;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = header.size();
  File file(path);
  file.write(&length, sizeof length);
  file.write(header);
  for (const Entry& entry : entries) entry.write(file);
  file.close();
}

/// Of the synthetic checkpoints, whose rotary embedding is that of the published models.
std::string config_json(const Metadata& metadata, bool assistant, FolderKind kind) {
  const ModelConfig config =
      assistant ? read_assistant_config(metadata).shapes : read_model_config(metadata);
  std::string types;
  std::uint64_t kv[2] = {0, 0}, head[2] = {0, 0};
  for (const LayerConfig& layer : config.layers) {
    types += types.empty() ? "" : ",";
    types += layer.sliding ? R"("sliding_attention")" : R"("full_attention")";
    kv[layer.sliding] = layer.kv_heads;
    head[layer.sliding] = layer.head_size;
  }
  std::string out = R"({"model_type":")";
  out += assistant ? "gemma4_unified_assistant\"," : "gemma4_unified\",";
  if (assistant) {
    out += R"("backbone_hidden_size":)" + text_of(read_assistant_config(metadata).backbone) +
           R"(,"use_ordered_embeddings":false,)";
  }
  if (kind == FolderKind::w4a16) out += kQuantization;
  out += R"("tie_word_embeddings":true,"text_config":{"hidden_activation":"gelu_pytorch_tanh")";
  const auto add = [&out](const char* key, std::uint64_t value) {
    out += std::string(",\"") + key + "\":" + text_of(value);
  };
  add("vocab_size", config.vocabulary);
  add("hidden_size", config.hidden);
  add("intermediate_size", config.layers.front().feed_forward);
  add("num_hidden_layers", config.layers.size());
  add("num_attention_heads", config.query_heads);
  add("num_key_value_heads", kv[true]);
  add("num_global_key_value_heads", kv[false]);
  add("head_dim", head[true]);
  add("global_head_dim", head[false]);
  add("sliding_window", config.window);
  add("max_position_embeddings", config.context_limit);
  add("num_kv_shared_layers", assistant ? config.layers.size() : 0);
  out += R"(,"attention_k_eq_v":true,"rms_norm_eps":1e-06,"final_logit_softcapping":)";
  out += assistant ? "null" : "30.0";
  out += R"(,"layer_types":[)" + types +
         R"(],"rope_parameters":{)"
         R"("sliding_attention":{"rope_type":"default","rope_theta":10000.0},)"
         R"("full_attention":{"rope_type":"proportional","rope_theta":1000000.0,)"
         R"("partial_rotary_factor":0.25}}}})";
  return out;
}

std::string tokenizer_json(const Metadata& metadata) {
  const auto& tokens = *metadata.text_array("tokenizer.ggml.tokens");
  const auto types = metadata.unsigned_array("tokenizer.ggml.token_type");
  std::string added, vocab, merges;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (id > 0) vocab += ',';
    append_json_string(tokens[id], vocab);
    vocab += ":" + text_of(id);
    if (!types || (*types)[id] < 2 || (*types)[id] > 4) continue;
    added += added.empty() ? R"({"id":)" : R"(,{"id":)";
    added += text_of(id) + R"(,"special":true,"content":)";
    append_json_string(tokens[id], added);
    added += '}';
  }
  for (const std::string_view merge : *metadata.text_array("tokenizer.ggml.merges")) {
    const std::size_t space = merge.find(' ', 1);
    merges += merges.empty() ? "[" : ",[";
    append_json_string(merge.substr(0, space), merges);
    merges += ',';
    append_json_string(merge.substr(space + 1), merges);
    merges += ']';
  }
  return R"({"added_tokens":[)" + added +
         R"(],"model":{"type":"BPE","unk_token":"<unk>","byte_fallback":true,"vocab":{)" + vocab +
         R"(},"merges":[)" + merges + "]}}";
}

}  // namespace

void write_folder(const Checkpoint& source, const std::string& folder, FolderKind kind) {
  const std::filesystem::path place(folder);
  std::error_code error;
  std::filesystem::create_directories(place, error);
  if (error) throw Error(ErrorCode::io, folder + ": cannot make the folder: " + error.message());
  const Metadata& metadata = source.metadata;
  const bool assistant = is_assistant(metadata.text("general.architecture").value_or(""));
  write_text(place / "config.json", config_json(metadata, assistant, kind));
  write_tensors(source, assistant, kind, place / "model.safetensors");
  if (assistant) return;
  write_text(place / "tokenizer.json", tokenizer_json(metadata));
  write_text(place / "generation_config.json",
             R"({"temperature":1.0,"top_k":64,"top_p":0.95,"do_sample":true})");
  if (const auto text = metadata.text("tokenizer.chat_template"))
    write_text(place / "chat_template.jinja", *text);
}

}  // namespace gemma4::synthetic
