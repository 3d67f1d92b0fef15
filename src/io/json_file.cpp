#include "io/json_file.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "io/json_text.hpp"

namespace gemma4 {

JsonTable::JsonTable(std::string file, std::string place, simdjson::dom::object object)
    : file_(std::move(file)), place_(std::move(place)), object_(object) {
  std::vector<std::string_view> keys;
  for (const simdjson::dom::key_value_pair member : object_) keys.push_back(member.key);
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) refuse(*twice, "one such key", "several");
}

std::string JsonTable::where(std::string_view key) const {
  return file_ + ": " + place_ + (place_.empty() ? "" : ".") + in_quotes(key);
}

void JsonTable::refuse(std::string_view key, const std::string& expected, const std::string& found,
                       ErrorCode code) const {
  fail(code, where(key) + ": expected " + expected + ", found " + found);
}

void JsonTable::refuse_kind(std::string_view key, const char* expected,
                            simdjson::dom::element found) const {
  refuse(key, expected, json_kind(found));
}

std::optional<simdjson::dom::element> JsonTable::find(std::string_view key) const {
  simdjson::dom::element value;
  if (object_.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> JsonTable::integer(std::string_view key) const {
  const auto value = find(key);
  if (!value) return std::nullopt;
  std::uint64_t number;
  if (value->get(number) == simdjson::SUCCESS) return number;
  std::int64_t below_zero;
  if (value->get(below_zero) == simdjson::SUCCESS)
    refuse(key, "an integer of at least 0", std::to_string(below_zero));
  double broken;
  if (value->get(broken) == simdjson::SUCCESS)
    refuse(key, "an integer of at least 0", format_text("%g", broken));
  refuse_kind(key, "an integer", *value);
}

std::optional<double> JsonTable::real(std::string_view key) const {
  const auto value = find(key);
  if (!value) return std::nullopt;
  double number;
  if (value->get(number) != simdjson::SUCCESS) refuse_kind(key, "a number", *value);
  return number;
}

std::optional<bool> JsonTable::boolean(std::string_view key) const {
  const auto value = find(key);
  if (!value) return std::nullopt;
  bool flag;
  if (value->get(flag) != simdjson::SUCCESS) refuse_kind(key, "a boolean", *value);
  return flag;
}

std::optional<std::string_view> JsonTable::text(std::string_view key) const {
  const auto value = find(key);
  if (!value) return std::nullopt;
  std::string_view string;
  if (value->get(string) != simdjson::SUCCESS) refuse_kind(key, "a string", *value);
  return string;
}

std::optional<JsonTable> JsonTable::table(std::string_view key) const {
  const auto value = find(key);
  if (!value) return std::nullopt;
  simdjson::dom::object object;
  if (value->get(object) != simdjson::SUCCESS) refuse_kind(key, "an object", *value);
  return JsonTable(file_, place_ + (place_.empty() ? "" : ".") + in_quotes(key), object);
}

std::optional<simdjson::dom::array> JsonTable::array(std::string_view key) const {
  const auto value = find(key);
  if (!value) return std::nullopt;
  simdjson::dom::array array;
  if (value->get(array) != simdjson::SUCCESS) refuse_kind(key, "an array", *value);
  return array;
}

JsonFile::JsonFile(std::span<const std::byte> bytes, const std::string& file) : file_(file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  simdjson::dom::element root;
  const simdjson::error_code error = parse_json(parser_, text, root);
  if (error != simdjson::SUCCESS) {
    fail(error == simdjson::MEMALLOC ? ErrorCode::out_of_memory : ErrorCode::format,
         file_ + ": expected JSON (nested at most " + std::to_string(kMaxJsonDepth) +
             " deep), found: " + simdjson::error_message(error));
  }
  if (root.get(root_) != simdjson::SUCCESS)
    fail(ErrorCode::format, file_ + ": expected an object, found " + json_kind(root));
}

}  // namespace gemma4
