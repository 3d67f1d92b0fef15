// What stands between <|tool_call> and <tool_call|>.
#pragma once

#include <string>
#include <string_view>

namespace gemma4 {

/// Stands for the token <|"|> in the text of a call: UTF-8 has no such byte, so text that only
/// looks like the token cannot be taken for it.
inline constexpr char kQuoteByte = '\xff';

/// Parses call:NAME{key:value,...} and writes the arguments as a JSON object. False, with the
/// outputs in any state, when the text is something else or nests deeper than 64 levels.
bool parse_tool_call(std::string_view text, std::string& name, std::string& arguments);

}  // namespace gemma4
