#include "weights/hf_quantization.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace gemma4 {
namespace {

constexpr std::string_view kFormat = "pack-quantized", kPattern = "re:";

// Far more than published files have; they bound the time that a file of strangers can take.
constexpr std::size_t kMaxNames = 4096, kMaxPatterns = 64;

void require_text(const JsonTable& table, const char* key, std::string_view expected) {
  const auto found = table.text(key);
  if (found != expected) {
    table.refuse(key, in_quotes(expected), found ? in_quotes(*found) : "no such key",
                 found ? ErrorCode::unsupported : ErrorCode::format);
  }
}

void require_format(const JsonTable& table) {
  if (table.text("format").value_or(kFormat) != kFormat) require_text(table, "format", kFormat);
}

/// A feature that is off when its key is absent, null, false or an empty object.
void require_none(const JsonTable& table, const char* key) {
  const auto found = table.find(key);
  if (!found) return;
  simdjson::dom::object object;
  bool flag = true;
  if (found->get(object) == simdjson::SUCCESS && object.size() == 0) return;
  if (found->get(flag) == simdjson::SUCCESS && !flag) return;
  table.refuse(key, "none", "one, which this version does not compute", ErrorCode::unsupported);
}

}  // namespace

bool HfQuantization::Names::contain(std::string_view module) const {
  return linear || std::find(whole.begin(), whole.end(), module) != whole.end() ||
         std::any_of(patterns.begin(), patterns.end(),
                     [&](const NamePattern& pattern) { return pattern.matches(module); });
}

HfQuantization::Names HfQuantization::read_names(const JsonTable& table, const char* key) {
  Names names;
  const auto array = table.array(key);
  if (!array) return names;
  for (const simdjson::dom::element element : *array) {
    std::string_view name;
    if (element.get(name) != simdjson::SUCCESS) table.refuse(key, "strings", "something else");
    if (names.whole.size() == kMaxNames || names.patterns.size() == kMaxPatterns) {
      table.refuse(key,
                   format_text("fewer than %zu names and %zu expressions", kMaxNames, kMaxPatterns),
                   "more");
    }
    if (name == "Linear") {
      names.linear = true;
    } else if (!name.starts_with(kPattern)) {
      names.whole.emplace_back(name);
    } else {
      try {
        names.patterns.emplace_back(name.substr(kPattern.size()));
      } catch (const Error& error) {
        fail(error.code(), table.where(key) + ": " + error.what());
      }
    }
  }
  return names;
}

QuantizationScheme HfQuantization::read_scheme(const JsonTable& weights) {
  const std::uint64_t bits = weights.integer("num_bits").value_or(8);
  if (bits != 4) weights.refuse("num_bits", "4", std::to_string(bits), ErrorCode::unsupported);
  if (weights.text("type").value_or("int") != "int") require_text(weights, "type", "int");
  require_none(weights, "dynamic");
  require_none(weights, "block_structure");
  const std::string_view order = weights.text("actorder").value_or("static");
  if (order != "static" && order != "weight") {  // both leave the columns in their order
    weights.refuse("actorder", "none", in_quotes(order) + ", which reorders columns",
                   ErrorCode::unsupported);
  }
  QuantizationScheme scheme;
  scheme.symmetric = weights.boolean("symmetric").value_or(true);
  const auto size = weights.find("group_size");
  std::int64_t group = -1;  // compressed-tensors: the whole row
  if (size && size->get(group) != simdjson::SUCCESS)
    weights.refuse("group_size", "an integer", "something else");
  const std::string_view strategy =
      weights.text("strategy").value_or(group > 0 ? "group" : "channel");
  if (strategy == "channel") return scheme;
  if (strategy != "group")
    weights.refuse("strategy", "group or channel", in_quotes(strategy), ErrorCode::unsupported);
  if (group <= 0 || group % 32 != 0) {
    weights.refuse("group_size", "a multiple of 32", std::to_string(group), ErrorCode::unsupported);
  }
  scheme.group = static_cast<std::uint64_t>(group);
  return scheme;
}

HfQuantization::Group HfQuantization::read_group(const JsonTable& table) {
  require_format(table);
  require_none(table, "input_activations");
  require_none(table, "output_activations");
  const auto weights = table.table("weights");
  if (!weights) table.refuse("weights", "an object", "no such key");
  return {read_names(table, "targets"), read_scheme(*weights)};
}

HfQuantization::HfQuantization(const JsonTable& root) {
  const auto config = root.table("quantization_config");
  if (!config) return;
  require_text(*config, "quant_method", "compressed-tensors");
  require_format(*config);
  if (config->text("quantization_status").value_or("compressed") != "compressed")
    require_text(*config, "quantization_status", "compressed");
  require_none(*config, "kv_cache_scheme");
  require_none(*config, "sparsity_config");
  require_none(*config, "transform_config");
  const auto groups = config->table("config_groups");
  if (!groups) config->refuse("config_groups", "an object", "no such key");
  for (const simdjson::dom::key_value_pair member : groups->members()) {
    const auto group = groups->table(member.key);
    if (!group) groups->refuse(member.key, "an object", "null");
    groups_.push_back(read_group(*group));
  }
  ignored_ = read_names(*config, "ignore");
}

const QuantizationScheme* HfQuantization::scheme_of(std::string_view module) const {
  if (ignored_.contain(module)) return nullptr;
  for (const Group& group : groups_) {
    if (group.targets.contain(module)) return &group.scheme;
  }
  return nullptr;
}

}  // namespace gemma4
