#include "text/json.hpp"

#include "base/error.hpp"

namespace gemma4 {

JsonDocument::JsonDocument(std::string_view text, const std::string& place) {
  const simdjson::error_code error = parse_json(parser_, text, root_);
  if (error != simdjson::SUCCESS) {
    fail(error == simdjson::MEMALLOC ? ErrorCode::out_of_memory : ErrorCode::invalid_argument,
         place + ": not JSON (nested at most " + std::to_string(kMaxJsonDepth) +
             " deep): " + simdjson::error_message(error));
  }
}

void refuse_json(const std::string& place, const char* expected, JsonElement found) {
  fail(ErrorCode::invalid_argument,
       place + ": expected " + expected + ", found " + json_kind(found));
}

std::string_view json_string(JsonElement element, const std::string& place) {
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) refuse_json(place, "a string", element);
  return text;
}

JsonObject json_object(JsonElement element, const std::string& place) {
  JsonObject object;
  if (element.get(object) != simdjson::SUCCESS) refuse_json(place, "an object", element);
  return object;
}

JsonArray json_array(JsonElement element, const std::string& place) {
  JsonArray array;
  if (element.get(array) != simdjson::SUCCESS) refuse_json(place, "an array", element);
  return array;
}

bool json_member(JsonObject object, std::string_view key, JsonElement& member) {
  return object.at_key(key).get(member) == simdjson::SUCCESS && !member.is_null();
}

std::string_view json_text_member(JsonObject object, std::string_view key,
                                  const std::string& place) {
  JsonElement member;
  if (!json_member(object, key, member)) return {};
  return json_string(member, place + "." + std::string(key));
}

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr const char* kDigits = "0123456789abcdef";
      out += "\\u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace gemma4
