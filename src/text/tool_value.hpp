// JSON values in Gemma 4's tool syntax.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "text/json.hpp"
#include "text/prompt_writer.hpp"

namespace gemma4 {

using JsonMember = std::pair<std::string_view, JsonElement>;

/// The members as Jinja's dictsort orders them: by key without regard to (ASCII) case.
std::vector<JsonMember> sorted_members(JsonObject object);

/// Keys stand bare in arguments and results, between quote tokens in declarations.
enum class KeyStyle { bare, quoted };

/// Strings between quote tokens, lists and mappings without spaces, numbers as Python prints them.
void write_value(JsonElement value, KeyStyle keys, PromptWriter& out);

/// "a:1,b:2": a mapping without the braces.
void write_pairs(JsonObject object, KeyStyle keys, PromptWriter& out);

}  // namespace gemma4
