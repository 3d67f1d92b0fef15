// gemma4 inspect: what a model file is, and what a session on it takes.
#include <cstdio>

#include "arguments.hpp"
#include "commands.hpp"
#include "json_writer.hpp"
#include "terminal.hpp"

namespace cli {
namespace {

std::string join_shape(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t extent : shape)
    text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

void write_layers(JsonWriter& json, const std::vector<gemma4::LayerInfo>& layers) {
  json.key("layers").array();
  for (const gemma4::LayerInfo& layer : layers) {
    json.object().pair("full_attention", layer.full_attention).pair("kv_heads", layer.kv_heads);
    json.pair("head_size", layer.head_size).pair("feed_forward", layer.feed_forward);
    json.pair("shares_kv_projection", layer.shares_kv_projection).end();
  }
  json.end();
}

void write_assistant(JsonWriter& json, const gemma4::AssistantInfo& info) {
  json.key("assistant").object().pair("name", info.name).pair("path", info.path);
  json.pair("parameters", info.parameters)
      .pair("file_bytes", info.file_bytes)
      .pair("tensors", info.tensors);
  json.pair("hidden_size", info.hidden_size).pair("query_heads", info.query_heads);
  json.pair("centroids", info.centroids);
  json.pair("activations", gemma4::activation_type_name(info.activations));
  write_layers(json, info.layers);
  json.end();
}

void write_config(JsonWriter& json, const gemma4::ModelInfo& info) {
  json.key("config").object();
  json.pair("hidden_size", info.hidden_size).pair("query_heads", info.query_heads);
  json.pair("vocabulary", info.vocabulary).pair("context_limit", info.context_limit);
  json.pair("sliding_window", info.sliding_window).pair("logit_softcap", info.logit_softcap);
  json.pair("norm_epsilon", info.norm_epsilon).pair("rope_base", info.rope_base);
  json.pair("rope_base_sliding", info.rope_base_sliding);
  write_layers(json, info.layers);
  const gemma4::SamplingOptions& sampling = info.recommended_sampling;
  json.key("recommended_sampling").object().pair("temperature", sampling.temperature);
  json.pair("top_k", sampling.top_k)
      .pair("top_p", sampling.top_p)
      .pair("min_p", sampling.min_p)
      .end();
  json.end();
}

void print_json(const gemma4::Inspection& inspection, bool list_tensors) {
  const gemma4::ModelInfo& info = inspection.info;
  const gemma4::MemoryPlan& plan = inspection.plan;
  JsonWriter json;
  json.object();
  json.pair("architecture", info.architecture).pair("name", info.name).pair("path", info.path);
  json.pair("parameters", info.parameters)
      .pair("file_bytes", info.file_bytes)
      .pair("tensors", info.tensors);
  json.pair("activations", gemma4::activation_type_name(info.activations));
  write_config(json, info);
  if (info.assistant) write_assistant(json, *info.assistant);
  json.key("memory").object();
  json.pair("weights_bytes", plan.weights_bytes).pair("assistant_bytes", plan.assistant_bytes);
  json.pair("kv_bytes", plan.kv_bytes).pair("workspace_bytes", plan.workspace_bytes);
  json.pair("total_bytes", plan.total_bytes()).end();
  if (list_tensors) {
    json.key("tensor_list").array();
    for (const gemma4::TensorInfo& tensor : inspection.tensors) {
      json.object()
          .pair("name", tensor.name)
          .pair("type", tensor.type)
          .key("shape")
          .values(tensor.shape);
      json.pair("bytes", tensor.bytes).end();
    }
    json.end();
  }
  json.end();
  write_out(json.text() + "\n");
}

// Layers that are alike and follow each other share a line.
void print_layers(const std::vector<gemma4::LayerInfo>& layers) {
  const auto describe_layer = [](const gemma4::LayerInfo& layer) {
    return std::string(layer.full_attention ? "full attention" : "sliding window") + ", " +
           std::to_string(layer.kv_heads) + " kv heads of " + std::to_string(layer.head_size) +
           (layer.shares_kv_projection ? " (K is V)" : "") + ", feed-forward " +
           std::to_string(layer.feed_forward);
  };
  for (std::size_t first = 0, next = 0; first < layers.size(); first = next) {
    while (next < layers.size() && describe_layer(layers[next]) == describe_layer(layers[first]))
      ++next;
    const std::string range =
        std::to_string(first) + (next - first > 1 ? "-" + std::to_string(next - 1) : "");
    write_out("  layer " + range + ": " + describe_layer(layers[first]) + "\n");
  }
}

void print_text(const gemma4::Inspection& inspection, bool list_tensors) {
  const gemma4::ModelInfo& info = inspection.info;
  const gemma4::MemoryPlan& plan = inspection.plan;
  const auto line = [](const char* name, const std::string& value) {
    char text[32];
    std::snprintf(text, sizeof text, "%-16s", name);
    write_out(text + value + "\n");
  };
  const auto bytes = [&](const char* name, std::uint64_t count) {
    const bool large = count >= (1u << 30);
    char text[64];
    std::snprintf(text, sizeof text, "%15llu bytes  (%.2f %s)",
                  static_cast<unsigned long long>(count),
                  static_cast<double>(count) / (large ? 0x1p30 : 0x1p20), large ? "GiB" : "MiB");
    line(name, text);
  };
  line("architecture", info.architecture);
  line("name", harmless(info.name));
  line("parameters",
       std::to_string(info.parameters) + " in " + std::to_string(info.tensors) + " tensors");
  line("hidden size",
       std::to_string(info.hidden_size) + ", " + std::to_string(info.query_heads) + " query heads");
  line("vocabulary", std::to_string(info.vocabulary));
  line("context limit", std::to_string(info.context_limit) + ", sliding window " +
                            std::to_string(info.sliding_window));
  print_layers(info.layers);
  line("activations", gemma4::activation_type_name(info.activations));
  if (info.assistant) {
    line("assistant", harmless(info.assistant->path));
    line("  parameters", std::to_string(info.assistant->parameters) + " in " +
                             std::to_string(info.assistant->tensors) + " tensors");
    line("  hidden size", std::to_string(info.assistant->hidden_size) + ", " +
                              std::to_string(info.assistant->query_heads) + " query heads");
    print_layers(info.assistant->layers);
    line("  activations", gemma4::activation_type_name(info.assistant->activations));
  }
  write_out("memory of one session:\n");
  bytes("  weights", plan.weights_bytes);
  if (info.assistant) bytes("  assistant", plan.assistant_bytes);
  bytes("  KV cache", plan.kv_bytes);
  bytes("  workspace", plan.workspace_bytes);
  bytes("  total", plan.total_bytes());
  if (!list_tensors) return;
  write_out("tensors:\n");
  for (const gemma4::TensorInfo& tensor : inspection.tensors) {
    char text[48];
    std::snprintf(text, sizeof text, "  %-6s %12llu bytes  ", tensor.type.c_str(),
                  static_cast<unsigned long long>(tensor.bytes));
    write_out(text + harmless(tensor.name) + "  [" + join_shape(tensor.shape) + "]\n");
  }
}

}  // namespace

int run_inspect(const Arguments& words) {
  bool tensors = false;
  ModelArguments model;
  AssistantArguments assistant;
  ActivationArguments activations;
  SessionArguments session;
  OptionTable table("inspect [OPTIONS]",
                    "Prints what a model file holds and the memory that a session on it takes, to "
                    "the byte, without reading "
                    "the weights.");
  table.section("Output:");
  table.flag("--tensors", "list the tensors too", tensors);
  session.declare(table);
  model.declare(table);
  assistant.declare(table);
  activations.declare(table);
  if (!table.parse(words)) {
    write_out(table.help());
    return 0;
  }
  const std::string path = model.path();
  const gemma4::Inspection inspection =
      gemma4::inspect(path, session.options({}), assistant.path(path), activations.type);
  if (model.json) {
    print_json(inspection, tensors);
  } else {
    print_text(inspection, tensors);
  }
  return 0;
}

}  // namespace cli
