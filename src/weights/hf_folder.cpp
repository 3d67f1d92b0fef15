#include "weights/hf_folder.hpp"

#include <filesystem>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "io/gguf.hpp"
#include "io/json_file.hpp"
#include "io/new_file.hpp"
#include "io/safetensors.hpp"
#include "weights/hf_config.hpp"
#include "weights/hf_quantization.hpp"
#include "weights/hf_tensors.hpp"
#include "weights/hf_tokenizer.hpp"

namespace gemma4 {
namespace {

std::string text_of(const std::filesystem::path& path) {
  const std::u8string text = path.u8string();
  return {text.begin(), text.end()};
}

/// The folder that a path names, itself or by one of its files; nothing when it names another file.
std::optional<std::string> folder_of(const std::string& path) {
  const std::filesystem::path given = path_of(path);
  std::error_code ignored;
  if (std::filesystem::is_directory(given, ignored)) return path;
  for (const char* name : {"config.json", "model.safetensors", "model.safetensors.index.json"}) {
    if (given.filename() != name) continue;
    return given.has_parent_path() ? text_of(given.parent_path()) : ".";
  }
  return std::nullopt;
}

/// Its own name, for display.
std::string name_of(const std::string& folder) {
  std::error_code ignored;
  std::filesystem::path whole =
      std::filesystem::absolute(path_of(folder), ignored).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // "folder/"
  return text_of(whole.filename());
}

class Folder {
 public:
  explicit Folder(const std::string& path) : path_(path) { out_.path = path; }

  Checkpoint open() {
    const MappedFile& config_file = map("config.json");
    out_.metadata = Metadata(config_file.path());
    const JsonFile config_json(config_file.bytes(), config_file.path());
    const HfConfig config = read_hf_config(config_json.root(), out_.metadata);
    const HfQuantization quantization(config_json.root());
    out_.metadata.add("general.name", std::string_view(out_.texts.emplace_back(name_of(path_))));
    if (!config.assistant) add_texts(config);
    SafetensorsFiles weights = open_safetensors(path_);
    add_hf_tensors(weights, path_, config, quantization, out_);
    out_.files = std::move(weights.files);
    for (MappedFile& file : files_) out_.files.push_back(std::move(file));
    for (const MappedFile& file : out_.files) out_.file_bytes += file.bytes().size();
    return std::move(out_);
  }

 private:
  std::string in_folder(const char* name) const { return text_of(path_of(path_) / name); }

  const MappedFile& map(const char* name) { return files_.emplace_back(in_folder(name)); }

  const MappedFile* map_if_there(const char* name) {
    std::error_code ignored;
    return std::filesystem::exists(path_of(in_folder(name)), ignored) ? &map(name) : nullptr;
  }

  /// What an assistant takes from its model.
  void add_texts(const HfConfig& config) {
    const MappedFile& tokenizer = map("tokenizer.json");
    add_hf_tokenizer(JsonFile(tokenizer.bytes(), tokenizer.path()).root(), config.vocabulary, out_);
    if (const MappedFile* file = map_if_there("generation_config.json"))
      add_hf_generation(JsonFile(file->bytes(), file->path()).root(), out_);
    if (const MappedFile* file = map_if_there("chat_template.jinja")) {
      const auto bytes = file->bytes();
      add_chat_template({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, out_);
    } else if (const MappedFile* other = map_if_there("tokenizer_config.json")) {
      const JsonFile json(other->bytes(), other->path());
      add_chat_template(hf_chat_template(json.root()), out_);
    }
    if (!out_.metadata.has("tokenizer.chat_template"))
      out_.notes.push_back("chat template: none in the folder; the built-in format is used");
  }

  std::string path_;
  std::deque<MappedFile> files_;  // beside those with tensors
  Checkpoint out_;
};

}  // namespace

Checkpoint open_checkpoint(const std::string& path) {
  const std::optional<std::string> folder = folder_of(path);
  if (!folder) return open_gguf(path);
  try {
    return Folder(*folder).open();
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory,
         path + ": no memory for the folder's lists of tensors and tokens");
  }
}

}  // namespace gemma4
