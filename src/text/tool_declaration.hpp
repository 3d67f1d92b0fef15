// Tool declarations in Gemma 4's tool syntax.
#pragma once

#include <string>
#include <string_view>

#include "text/prompt_writer.hpp"

namespace gemma4 {

/// declaration:NAME{...} from a JSON function object {"name", "description", "parameters",
/// "response"}. Of a schema the template knows description, type, enum, items, properties, required
/// and nullable; the rest is dropped. Throws Error(invalid_argument) beginning with `place`.
void write_tool_declaration(std::string_view function_json, const std::string& place,
                            PromptWriter& out);

}  // namespace gemma4
