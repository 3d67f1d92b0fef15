#include "io/safetensors.hpp"

#include <filesystem>
#include <utility>

#include "base/error.hpp"
#include "io/json_file.hpp"
#include "io/new_file.hpp"

namespace gemma4 {
namespace {

constexpr const char* kWhole = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr std::string_view kShardExtension = ".safetensors";

std::string in_folder(const std::string& folder, std::string_view name) {
  const std::u8string path = (path_of(folder) / path_of(std::string(name))).u8string();
  return {path.begin(), path.end()};
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path_of(path), ignored);
}

/// A name within the folder: an index must not lead elsewhere.
bool is_plain_name(std::string_view name) {
  return name.size() > kShardExtension.size() && name.ends_with(kShardExtension) &&
         name.find_first_of(std::string_view("/\\:\0", 4)) == name.npos;
}

/// Tensor names by file, as the index lists them.
using WeightMap = std::map<std::string, std::map<std::string, bool, std::less<>>, std::less<>>;

WeightMap read_index(const std::string& path) {
  const MappedFile file(path);
  const JsonFile json(file.bytes(), path);
  const auto weights = json.root().table("weight_map");
  if (!weights) json.root().refuse("weight_map", "an object", "no such key");
  WeightMap map;
  for (const simdjson::dom::key_value_pair member : weights->members()) {
    const auto name = weights->text(member.key);
    if (!name || !is_plain_name(*name)) {
      weights->refuse(member.key, "the name of a .safetensors file in the same folder",
                      name ? in_quotes(*name) : "null");
    }
    map[std::string(*name)].emplace(member.key, false);
  }
  if (map.empty()) json.root().refuse("weight_map", "at least one tensor", "none");
  return map;
}

void open_listed(const std::string& folder, const std::string& name,
                 std::map<std::string, bool, std::less<>>& wanted, SafetensorsFiles& out) {
  MappedFile file(in_folder(folder, name));
  for (SafetensorsTensor& tensor : parse_safetensors(file.bytes(), file.path())) {
    const auto listed = wanted.find(tensor.name);
    if (listed == wanted.end()) continue;
    listed->second = true;
    out.tensors.push_back(std::move(tensor));
  }
  for (const auto& [tensor, found] : wanted) {
    if (!found) {
      fail(ErrorCode::format, file.path() + ": tensor " + in_quotes(tensor) +
                                  ": expected in this file, as " + kIndex +
                                  " says, found no such tensor");
    }
  }
  out.files.push_back(std::move(file));
}

}  // namespace

SafetensorsFiles open_safetensors(const std::string& folder) {
  SafetensorsFiles out;
  const std::string whole = in_folder(folder, kWhole), index = in_folder(folder, kIndex);
  if (exists(index) && !exists(whole)) {
    WeightMap map = read_index(index);
    for (auto& [name, wanted] : map) open_listed(folder, name, wanted, out);
    return out;
  }
  MappedFile file(whole);
  out.tensors = parse_safetensors(file.bytes(), file.path());
  out.files.push_back(std::move(file));
  return out;
}

}  // namespace gemma4
