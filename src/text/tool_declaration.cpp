#include "text/tool_declaration.hpp"

#include <utility>

#include "base/error.hpp"
#include "text/json.hpp"
#include "text/tool_value.hpp"

namespace gemma4 {
namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

/// ["a","b"] as quoted texts; what is no string is left out.
void write_text_list(JsonArray list, PromptWriter& out) {
  out.text("[");
  bool first = true;
  for (const JsonElement item : list) {
    std::string_view text;
    if (item.get(text) != simdjson::SUCCESS) continue;
    if (!std::exchange(first, false)) out.text(",");
    out.quoted_text(text);
  }
  out.text("]");
}

/// A schema's type. The template knows single types only, so ["string","null"] counts as a nullable
/// string.
struct SchemaType {
  std::string name;  ///< in capitals; empty when the schema has none
  bool nullable = false;
};

SchemaType schema_type(JsonObject schema) {
  SchemaType type;
  JsonElement member;
  if (json_member(schema, "nullable", member)) {
    bool nullable = false;
    type.nullable = member.get(nullable) == simdjson::SUCCESS && nullable;
  }
  if (!json_member(schema, "type", member)) return type;
  std::string_view name;
  if (member.get(name) == simdjson::SUCCESS) type.name = upper(name);
  JsonArray names;
  if (member.get(names) == simdjson::SUCCESS) {
    for (const JsonElement element : names) {
      if (element.get(name) != simdjson::SUCCESS) continue;
      if (name == "null") {
        type.nullable = true;
      } else if (type.name.empty()) {
        type.name = upper(name);
      }
    }
  }
  return type;
}

/// The member if it is an object (array) with something in it.
template <typename Container>
bool filled_member(JsonObject object, std::string_view key, Container& member) {
  return object.at_key(key).get(member) == simdjson::SUCCESS && member.begin() != member.end();
}

void write_properties(JsonObject properties, PromptWriter& out);

void write_items(JsonObject items, PromptWriter& out) {
  const SchemaType type = schema_type(items);
  JsonElement unused;
  bool write_nullable = type.nullable && !json_member(items, "nullable", unused);
  bool first = true;
  const auto begin_field = [&](std::string_view key) {
    if (!std::exchange(first, false)) out.text(",");
    out.text(key);
    out.text(":");
  };
  out.text("items:{");
  for (const auto& [key, value] : sorted_members(items)) {
    if (value.is_null()) continue;
    if (write_nullable && key > "nullable") {
      begin_field("nullable");
      out.text("true");
      write_nullable = false;
    }
    begin_field(key);
    JsonObject object;
    JsonArray array;
    if (key == "properties") {
      out.text("{");
      if (value.get(object) == simdjson::SUCCESS) write_properties(object, out);
      out.text("}");
    } else if (key == "required" && value.get(array) == simdjson::SUCCESS) {
      write_text_list(array, out);
    } else if (key == "type") {
      out.quoted_text(type.name);
    } else {
      write_value(value, KeyStyle::quoted, out);
    }
  }
  out.text("}");
}

void write_property(JsonObject schema, PromptWriter& out) {
  bool first = true;
  const auto begin_field = [&](const char* key) {
    if (!std::exchange(first, false)) out.text(",");
    out.text(key);
  };
  const SchemaType type = schema_type(schema);
  if (std::string_view text;
      schema.at_key("description").get(text) == simdjson::SUCCESS && !text.empty()) {
    begin_field("description:");
    out.quoted_text(text);
  }
  JsonArray array;
  JsonObject object;
  if (JsonElement values; type.name == "STRING" && filled_member(schema, "enum", array) &&
                          json_member(schema, "enum", values)) {
    begin_field("enum:");
    write_value(values, KeyStyle::quoted, out);
  } else if (type.name == "ARRAY" && filled_member(schema, "items", object)) {
    begin_field("");
    write_items(object, out);
  }
  if (type.nullable) begin_field("nullable:true");
  if (type.name == "OBJECT") {
    begin_field("properties:{");
    if (filled_member(schema, "properties", object)) write_properties(object, out);
    out.text("}");
    if (filled_member(schema, "required", array)) {
      begin_field("required:");
      write_text_list(array, out);
    }
  }
  begin_field("type:");
  out.quoted_text(type.name);
}

void write_properties(JsonObject properties, PromptWriter& out) {
  bool first = true;
  for (const auto& [key, value] : sorted_members(properties)) {
    if (!std::exchange(first, false)) out.text(",");
    out.text(key);
    out.text(":{");
    JsonObject schema;
    if (value.get(schema) == simdjson::SUCCESS) {
      write_property(schema, out);
    } else {  // JSON Schema allows `true` for "anything"
      out.text("type:");
      out.quoted_text("");
    }
    out.text("}");
  }
}

void write_type_or_object(JsonObject schema, PromptWriter& out) {
  const SchemaType type = schema_type(schema);
  out.text("type:");
  out.quoted_text(type.name.empty() ? "OBJECT" : type.name);
}

void write_parameters(JsonObject parameters, PromptWriter& out) {
  JsonObject properties;
  JsonArray required;
  out.text(",parameters:{");
  if (filled_member(parameters, "properties", properties)) {
    out.text("properties:{");
    write_properties(properties, out);
    out.text("},");
  }
  if (filled_member(parameters, "required", required)) {
    out.text("required:");
    write_text_list(required, out);
    out.text(",");
  }
  write_type_or_object(parameters, out);
  out.text("}");
}

void write_response(JsonObject response, const std::string& place, PromptWriter& out) {
  out.text(",response:{");
  if (const auto text = json_text_member(response, "description", place); !text.empty()) {
    out.text("description:");
    out.quoted_text(text);
    out.text(",");
  }
  write_type_or_object(response, out);
  out.text("}");
}

}  // namespace

void write_tool_declaration(std::string_view function_json, const std::string& place,
                            PromptWriter& out) {
  const JsonDocument document(function_json, place);
  const JsonObject function = json_object(document.root(), place);
  const std::string_view name = json_text_member(function, "name", place);
  if (name.empty()) fail(ErrorCode::invalid_argument, place + ".name is missing or empty");
  out.text("declaration:");
  out.text(name);
  out.text("{description:");
  out.quoted_text(json_text_member(function, "description", place));
  JsonElement member;
  if (JsonObject parameters; filled_member(function, "parameters", parameters)) {
    write_parameters(parameters, out);
  }
  if (json_member(function, "response", member)) {
    write_response(json_object(member, place + ".response"), place + ".response", out);
  }
  out.text("}");
}

}  // namespace gemma4
