#include "session/opened_files.hpp"

#include <filesystem>

#include "io/new_file.hpp"
#include "model/assistant.hpp"
#include "model/network.hpp"
#include "weights/hf_folder.hpp"
#include "weights/packed_file.hpp"
#include "weights/packed_header.hpp"
#include "weights/stream_hash.hpp"

namespace gemma4 {
namespace {

void read_config(const Metadata& metadata, ModelConfig& config) {
  config = read_model_config(metadata);
}
void read_config(const Metadata& metadata, AssistantConfig& config) {
  config = read_assistant_config(metadata);
}

template <class Config>  // const or not
auto& shapes_of(Config& config) {
  if constexpr (requires { config.shapes; })
    return config.shapes;
  else
    return config;
}

template <class Config>
Config config_of(const Metadata& metadata) {
  Config config;
  read_config(metadata, config);
  return config;
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path_of(path), ignored);
}

std::optional<Checkpoint> packed_for(const Checkpoint& source, const std::string& packed_path,
                                     const WeightStorage& storage, const Log& log) {
  if (packed_path.empty() || is_packed(source.metadata)) return std::nullopt;
  return find_packed(source, packed_path, storage, log);
}

/// What is asked of a plan: a packed file that was found has it done already.
WeightStorage left_to_do(bool packed, const WeightStorage& storage) {
  return packed ? WeightStorage{} : storage;
}

std::string name_of(const Checkpoint& file) {
  return std::string(file.metadata.text("general.name").value_or(""));
}

std::vector<LayerInfo> describe(const std::vector<LayerConfig>& layers) {
  std::vector<LayerInfo> infos;
  infos.reserve(layers.size());
  for (const LayerConfig& layer : layers) {
    infos.push_back({!layer.sliding, layer.kv_heads, layer.head_size, layer.feed_forward,
                     layer.value_from_key});
  }
  return infos;
}

AssistantInfo describe(const OpenedFile<AssistantConfig>& assistant) {
  const ModelConfig& shapes = assistant.config.shapes;
  AssistantInfo info;
  info.name = name_of(assistant.source);
  info.path = assistant.path;
  info.hidden_size = shapes.hidden;
  info.query_heads = shapes.query_heads;
  info.layers = describe(shapes.layers);
  info.centroids = assistant.config.centroids;
  info.parameters = assistant.plan.parameters();
  info.file_bytes = assistant.source.file_bytes;
  info.tensors = assistant.source.tensors.all().size();
  info.packed_path = assistant.packed_file();
  info.activations = shapes.activations;
  return info;
}

}  // namespace

template <class Config>
OpenedFile<Config>::OpenedFile(const std::string& path_, const std::string& packed_path,
                               ActivationType activations, const WeightStorage& storage,
                               const Log& log)
    : OpenedFile(path_, open_checkpoint(path_), packed_path, activations, storage, log) {}

template <class Config>
OpenedFile<Config>::OpenedFile(const std::string& path_, Checkpoint source_,
                               const std::string& packed_path, ActivationType activations,
                               const WeightStorage& storage, const Log& log)
    : path(path_),
      source(std::move(source_)),
      packed(packed_for(source, packed_path, storage, log)),
      config(config_of<Config>(file().metadata)),
      plan(file(), config, left_to_do(packed.has_value(), storage)) {
  shapes_of(config).activations =
      activations == ActivationType::automatic ? plan.made_for() : activations;
}

template <class Config>
std::string OpenedFile<Config>::packed_file() const {
  if (packed) return packed->metadata.file();
  return plan.packed() ? path : "";
}

template <class Config>
std::uint64_t OpenedFile<Config>::fingerprint() const {
  StreamHash hash;
  const auto add = [&hash](const auto& value) { hash.add(std::as_bytes(std::span(&value, 1))); };
  add(is_packed(source.metadata) ? claimed_source_hash(source.metadata) : source_hash(source));
  add(shapes_of(config).activations);
  for (const PlacedTensor& tensor : plan.placed()) add(tensor.type);
  return hash.value();
}

template struct OpenedFile<ModelConfig>;
template struct OpenedFile<AssistantConfig>;

OpenedFiles::OpenedFiles(const std::string& path, const std::string& assistant_path,
                         const std::string& packed_path, ActivationType activations,
                         const StorageOptions& storage, const Log& log)
    : model(path, packed_path, activations, storage.model, log) {
  if (assistant_path.empty()) return;
  // that a file is the model's own is no news
  assistant.emplace(assistant_path, packed_path, activations, storage.assistant,
                    is_folder(packed_path) ? log : Log());
  check_pairing(assistant->config, assistant_path, model.config, path);
}

std::uint64_t OpenedFiles::weights_bytes() const {
  return model.plan.bytes() + Network::table_bytes(model.config);
}

std::uint64_t OpenedFiles::assistant_bytes() const {
  if (!assistant) return 0;
  return assistant->plan.bytes() + AssistantNetwork::table_bytes(assistant->config, model.config);
}

std::uint64_t OpenedFiles::source_bytes() const {
  return model.plan.source_bytes() + (assistant ? assistant->plan.source_bytes() : 0);
}

ModelInfo OpenedFiles::info() const {
  const ModelConfig& config = model.config;
  ModelInfo info;
  info.architecture = config.architecture;
  info.name = name_of(model.source);
  info.path = model.path;
  info.hidden_size = config.hidden;
  info.query_heads = config.query_heads;
  info.vocabulary = config.vocabulary;
  info.context_limit = config.context_limit;
  info.sliding_window = config.window;
  info.logit_softcap = config.softcap;
  info.norm_epsilon = config.norm_epsilon;
  info.rope_base = static_cast<float>(config.rope_base);
  info.rope_base_sliding = static_cast<float>(config.rope_base_sliding);
  info.layers = describe(config.layers);
  info.parameters = model.plan.parameters();
  info.file_bytes = model.source.file_bytes;
  info.tensors = model.source.tensors.all().size();
  info.recommended_sampling = config.sampling;
  info.packed_path = model.packed_file();
  info.activations = config.activations;
  if (assistant) info.assistant = describe(*assistant);
  return info;
}

}  // namespace gemma4
