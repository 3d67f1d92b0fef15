#include "io/json_text.hpp"

namespace gemma4 {

simdjson::error_code parse_json(simdjson::dom::parser& parser, std::string_view text,
                                simdjson::dom::element& root) {
  if (text.empty()) return simdjson::EMPTY;
  // Room for the text first: parse() allocates for what it is given and keeps the depth set here.
  const simdjson::error_code error = parser.allocate(text.size(), kMaxJsonDepth + 1);
  return error != simdjson::SUCCESS ? error : parser.parse(text.data(), text.size()).get(root);
}

const char* json_kind(simdjson::dom::element element) {
  switch (element.type()) {
    case simdjson::dom::element_type::ARRAY:
      return "an array";
    case simdjson::dom::element_type::OBJECT:
      return "an object";
    case simdjson::dom::element_type::STRING:
      return "a string";
    case simdjson::dom::element_type::BOOL:
      return "a boolean";
    case simdjson::dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

}  // namespace gemma4
