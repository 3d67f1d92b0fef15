// JSON for the chat format: reading through simdjson with errors that name the place, and writing.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "io/json_text.hpp"

namespace gemma4 {

using JsonElement = simdjson::dom::element;
using JsonObject = simdjson::dom::object;
using JsonArray = simdjson::dom::array;

/// One parsed text; its elements live as long as it does. Nesting beyond kMaxJsonDepth is refused,
/// so code that walks an element may recurse.
class JsonDocument {
 public:
  /// Throws Error(invalid_argument) beginning with `place` ("messages[3].tool_calls[0].arguments").
  JsonDocument(std::string_view text, const std::string& place);

  JsonElement root() const { return root_; }

 private:
  simdjson::dom::parser parser_;
  JsonElement root_;
};

/// Throws Error(invalid_argument): "<place>: expected <expected>, found <kind>".
[[noreturn]] void refuse_json(const std::string& place, const char* expected, JsonElement found);

// The value as the kind that is expected; throws like refuse_json().
std::string_view json_string(JsonElement element, const std::string& place);
JsonObject json_object(JsonElement element, const std::string& place);
JsonArray json_array(JsonElement element, const std::string& place);

/// The member, or false when there is none or it is null.
bool json_member(JsonObject object, std::string_view key, JsonElement& member);

/// The member's text, empty when there is none or it is null; throws when it is no string.
std::string_view json_text_member(JsonObject object, std::string_view key,
                                  const std::string& place);

/// Appends a JSON string, quotes included. `text` is UTF-8.
void append_json_string(std::string_view text, std::string& out);

}  // namespace gemma4
