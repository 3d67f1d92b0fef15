#include "weights/assistant_config.hpp"

#include <optional>

#include "base/error.hpp"
#include "weights/config_reader.hpp"

namespace gemma4 {
namespace {

constexpr std::string_view kArchitecture = "gemma4-assistant";

/// Files of early conversions; their tensors have other names.
constexpr std::string_view kOldArchitecture = "gemma4_assistant";

[[noreturn]] void refuse_architecture(const Metadata& metadata,
                                      const std::optional<std::string_view>& found) {
  std::string message = metadata.file() + ": general.architecture: expected \"gemma4-assistant\"" +
                        ", found " + (found ? in_quotes(*found) : "no such key");
  if (found && *found == kOldArchitecture) {
    message +=
        " (an early conversion, whose tensors are named mtp.*: convert the assistant again with a "
        "present converter)";
  } else if (found && *found == "gemma4") {
    message += " (a model, not an assistant)";
  }
  fail(found ? ErrorCode::unsupported : ErrorCode::format, message);
}

/// All layers read another model's keys and values; a file that says otherwise is something else.
void check_sharing(const ConfigReader& reader, std::size_t layers) {
  const char* name = "attention.shared_kv_layers";
  const auto found = reader.metadata().unsigned_integer(reader.key(name));
  if (found && *found != layers) {
    reader.refuse(name, format_text("%zu, all layers", layers),
                  format_text("%llu", static_cast<unsigned long long>(*found)));
  }
}

/// Compares one item after another of two configurations.
class Pairing {
 public:
  Pairing(const std::string& assistant_file, const std::string& model_file)
      : assistant_file_(assistant_file), model_file_(model_file) {}

  void same(const std::string& item, double expected, double found,
            const std::string& meaning = {}) const {
    if (expected == found) return;
    refuse(item, format_text("%.10g", expected), format_text("%.10g", found), meaning);
  }

  [[noreturn]] void refuse(const std::string& item, const std::string& expected,
                           const std::string& found, const std::string& meaning) const {
    fail(ErrorCode::invalid_argument, assistant_file_ + ": " + item + ": expected " + expected +
                                          " as in " + model_file_ + ", found " + found + meaning);
  }

 private:
  const std::string& assistant_file_;
  const std::string& model_file_;
};

}  // namespace

bool is_assistant(std::string_view architecture) noexcept {
  return architecture == kArchitecture || architecture == kOldArchitecture;
}

AssistantConfig read_assistant_config(const Metadata& metadata) {
  const auto architecture = metadata.text("general.architecture");
  if (!architecture || *architecture != kArchitecture) refuse_architecture(metadata, architecture);
  const ConfigReader reader(metadata, std::string(kArchitecture));
  AssistantConfig config;
  config.shapes.architecture = std::string(kArchitecture);
  reader.read_shapes(config.shapes);
  config.backbone = reader.width("embedding_length_out");
  check_sharing(reader, config.shapes.layers.size());
  return config;
}

std::size_t source_layer(const ModelConfig& model, bool sliding) noexcept {
  for (std::size_t i = model.layers.size(); i-- > 0;) {
    if (model.layers[i].sliding == sliding) return i;
  }
  return model.layers.size();
}

void check_pairing(const AssistantConfig& assistant, const std::string& assistant_file,
                   const ModelConfig& model, const std::string& model_file) {
  const Pairing pairing(assistant_file, model_file);
  const ModelConfig& own = assistant.shapes;
  pairing.same("embedding_length_out", model.hidden, assistant.backbone,
               format_text(" (this assistant belongs to a model of width %u)", assistant.backbone));
  pairing.same("vocabulary", model.vocabulary, own.vocabulary, " tokens");
  pairing.same("attention.sliding_window", model.window, own.window);
  // a window of 1 holds the query's own position alone, whose key is not there yet
  if (own.window < 2) {
    fail(ErrorCode::invalid_argument,
         assistant_file + ": attention.sliding_window: expected at least 2, found 1");
  }
  pairing.same("rope.freq_base", model.rope_base, own.rope_base);
  pairing.same("rope.freq_base_swa", model.rope_base_sliding, own.rope_base_sliding);
  for (std::size_t i = 0; i < own.layers.size(); ++i) {
    const LayerConfig& layer = own.layers[i];
    const std::size_t source = source_layer(model, layer.sliding);
    const char* kind = layer.sliding ? "sliding" : "full";
    if (source == model.layers.size()) {
      pairing.refuse(format_text("layer %zu", i), layer.sliding ? "full attention" : "a window",
                     kind, " attention, of which the model has no layer");
    }
    const std::string of =
        format_text("layer %zu (%s attention, reads layer %zu): ", i, kind, source);
    pairing.same(of + "KV heads", model.layers[source].kv_heads, layer.kv_heads);
    pairing.same(of + "head size", model.layers[source].head_size, layer.head_size);
  }
}

}  // namespace gemma4
