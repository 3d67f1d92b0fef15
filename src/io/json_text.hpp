// Parsing JSON that nobody vouches for.
#pragma once

#include <simdjson.h>

#include <string_view>

namespace gemma4 {

inline constexpr std::size_t kMaxJsonDepth = 64;

/// Parses `text`; `root` points into the parser's memory, which grows with the text alone. Nesting
/// beyond kMaxJsonDepth is an error, so code that walks an element may recurse.
simdjson::error_code parse_json(simdjson::dom::parser& parser, std::string_view text,
                                simdjson::dom::element& root);

/// "a string", "an object", ...
const char* json_kind(simdjson::dom::element element);

}  // namespace gemma4
