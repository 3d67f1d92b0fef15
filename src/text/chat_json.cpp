// Conversations and tools from OpenAI-style JSON.
#include <utility>

#include "base/error.hpp"
#include "gemma4/chat.hpp"
#include "text/json.hpp"
#include "text/utf8.hpp"

namespace gemma4 {
namespace {

std::string element_of(const std::string& place, std::size_t index) {
  return place + "[" + std::to_string(index) + "]";
}

/// The text of one part of a content list.
std::string_view part_text(JsonElement part, const std::string& place) {
  if (part.is_string()) return json_string(part, place);
  const JsonObject object = json_object(part, place);
  const std::string_view type = json_text_member(object, "type", place);
  if (type == "text" || type == "input_text" || type == "output_text") {
    return json_text_member(object, "text", place);
  }
  for (const std::string_view media : {"image", "audio", "video", "file"}) {
    if (type.find(media) != std::string_view::npos) {
      fail(ErrorCode::unsupported, place + ".type: expected \"text\", found " + in_quotes(type) +
                                       ": only text is supported");
    }
  }
  fail(ErrorCode::invalid_argument, place + ".type: expected \"text\", found " + in_quotes(type));
}

/// A list of parts becomes one text the way the template puts them together: trimmed, a space
/// between those of the system message. A tool's parts stay as they are.
std::string content_text(JsonElement content, const Message& message, bool first,
                         const std::string& place) {
  if (content.is_string()) return std::string(json_string(content, place));
  if (!content.is_array()) refuse_json(place, "a string or an array of parts", content);
  const bool system = first && (message.role == "system" || message.role == "developer");
  std::string text;
  std::size_t index = 0;
  for (const JsonElement part : json_array(content, place)) {
    const std::string_view piece = part_text(part, element_of(place, index));
    if (system && index > 0) text += ' ';
    text += message.role == "tool" ? piece : trim(piece);
    ++index;
  }
  return text;
}

/// Arguments come as an object, or on OpenAI's wire as a string that holds one.
std::string arguments_text(JsonElement arguments, const std::string& place) {
  if (arguments.is_object()) return simdjson::minify(arguments);
  if (!arguments.is_string()) refuse_json(place, "an object or a string with one", arguments);
  const std::string_view text = json_string(arguments, place);
  if (trim(text).empty()) return "{}";
  const JsonDocument document(text, place);
  json_object(document.root(), place);
  return std::string(text);
}

ToolCall tool_call(JsonElement element, const std::string& place) {
  const JsonObject object = json_object(element, place);
  ToolCall call;
  call.id = json_text_member(object, "id", place);
  JsonElement member;
  if (!json_member(object, "function", member)) {
    fail(ErrorCode::invalid_argument, place + ".function is missing");
  }
  const std::string function_place = place + ".function";
  const JsonObject function = json_object(member, function_place);
  call.name = json_text_member(function, "name", function_place);
  if (call.name.empty()) {
    fail(ErrorCode::invalid_argument, function_place + ".name is missing or empty");
  }
  call.arguments = json_member(function, "arguments", member)
                       ? arguments_text(member, function_place + ".arguments")
                       : "{}";
  return call;
}

ToolResponse tool_response(JsonElement element, const std::string& place) {
  const JsonObject object = json_object(element, place);
  ToolResponse response;
  response.name = json_text_member(object, "name", place);
  JsonElement member;
  response.response = object.at_key("response").get(member) == simdjson::SUCCESS
                          ? simdjson::minify(member)
                          : "null";
  return response;
}

Message read_message(JsonElement element, bool first, const std::string& place) {
  const JsonObject object = json_object(element, place);
  Message message;
  message.role = json_text_member(object, "role", place);
  if (message.role.empty()) fail(ErrorCode::invalid_argument, place + ".role is missing or empty");
  JsonElement member;
  if (json_member(object, "content", member)) {
    message.content = content_text(member, message, first, place + ".content");
  }
  message.reasoning = json_text_member(object, "reasoning", place);
  if (message.reasoning.empty()) {
    message.reasoning = json_text_member(object, "reasoning_content", place);
  }
  message.tool_call_id = json_text_member(object, "tool_call_id", place);
  message.name = json_text_member(object, "name", place);
  if (json_member(object, "tool_calls", member)) {
    for (const JsonElement call : json_array(member, place + ".tool_calls")) {
      message.tool_calls.push_back(
          tool_call(call, element_of(place + ".tool_calls", message.tool_calls.size())));
    }
  }
  if (json_member(object, "tool_responses", member)) {
    for (const JsonElement response : json_array(member, place + ".tool_responses")) {
      message.tool_responses.push_back(tool_response(
          response, element_of(place + ".tool_responses", message.tool_responses.size())));
    }
  }
  return message;
}

/// The function object of a declaration, checked and written compactly.
std::string function_text(JsonElement tool, const std::string& place) {
  std::string function_place = place;
  JsonObject function = json_object(tool, place);
  JsonElement member;
  if (json_member(function, "function", member)) {
    function_place += ".function";
    function = json_object(member, function_place);
  }
  if (json_text_member(function, "name", function_place).empty()) {
    fail(ErrorCode::invalid_argument, function_place + ".name is missing or empty");
  }
  json_text_member(function, "description", function_place);
  for (const char* key : {"parameters", "response"}) {
    if (json_member(function, key, member)) json_object(member, function_place + "." + key);
  }
  return simdjson::minify(function);
}

}  // namespace

Chat Chat::from_json(std::string_view json) {
  const JsonDocument document(json, "chat");
  Chat chat;
  JsonElement messages = document.root();
  JsonElement tools;
  bool has_tools = false;
  if (JsonObject object; document.root().get(object) == simdjson::SUCCESS) {
    if (object.at_key("messages").get(messages) != simdjson::SUCCESS) {
      fail(ErrorCode::invalid_argument, "messages: missing");
    }
    has_tools = json_member(object, "tools", tools);
  } else if (!messages.is_array()) {
    refuse_json("chat", "an array of messages or an object with \"messages\"", messages);
  }
  for (const JsonElement message : json_array(messages, "messages")) {
    const std::size_t index = chat.messages_.size();
    chat.messages_.push_back(read_message(message, index == 0, element_of("messages", index)));
  }
  if (has_tools) {
    for (const JsonElement tool : json_array(tools, "tools")) {
      chat.tools_.push_back(function_text(tool, element_of("tools", chat.tools_.size())));
    }
  }
  return chat;
}

Chat& Chat::declare_tool(std::string_view json) {
  const JsonDocument document(json, "tool");
  tools_.push_back(function_text(document.root(), "tool"));
  return *this;
}

}  // namespace gemma4
