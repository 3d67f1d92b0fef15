// Conversations, and Gemma 4's exact prompt text for them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gemma4 {

/// A call of a tool that the model asked for.
struct ToolCall {
  std::string name;
  std::string arguments;  ///< a JSON object
  std::string id;  ///< optional: the caller's name for this call, matched by Message::tool_call_id
};

/// What a tool gave back.
struct ToolResponse {
  std::string name;
  std::string response;  ///< JSON: an object is rendered as pairs, any other value as "value:..."
};

/// One message. Texts are UTF-8.
struct Message {
  std::string role;  ///< "system", "developer", "user", "assistant" ("model") or "tool"
  std::string content;
  std::string reasoning;             ///< assistant: the thought that led to the content
  std::vector<ToolCall> tool_calls;  ///< assistant
  std::vector<ToolResponse>
      tool_responses;        ///< assistant: results of its calls (or send them as "tool" messages)
  std::string tool_call_id;  ///< tool: which call this answers
  std::string name;          ///< tool: the tool's name when there is no id
};

/// A conversation, or its continuation, with the tools the model may call. Every method returns
/// *this.
class Chat {
 public:
  Chat& system(std::string_view text);
  Chat& user(std::string_view text);
  Chat& assistant(std::string_view text);
  Chat& tool(std::string_view name,
             std::string_view response);  ///< response: text, given to the model as a string
  Chat& add(Message message);

  /// Reads messages as OpenAI-style JSON: an array of {"role", "content", "reasoning",
  /// "tool_calls",
  /// ...}, or an object with "messages" and optionally "tools". "content" may be a list of text
  /// parts, "arguments" an object or a string that holds one; unknown keys are ignored. Throws
  /// Error(invalid_argument) naming the place, Error(unsupported) for images, audio and video.
  static Chat from_json(std::string_view json);

  /// Declares a tool: OpenAI-style JSON,
  /// {"type":"function","function":{"name","description","parameters"}} or the inner object alone.
  /// Throws Error(invalid_argument).
  Chat& declare_tool(std::string_view json);

  /// Whether the model may think before it answers (default: no).
  Chat& thinking(bool on);

  /// Keeps the reasoning of tool-calling messages that stand before the last user message (default:
  /// no).
  Chat& preserve_thinking(bool on);

  /// Whether the prompt ends by opening the model's turn (default: yes).
  Chat& generation_prompt(bool on);

  const std::vector<Message>& messages() const { return messages_; }
  const std::vector<std::string>& tools() const { return tools_; }
  bool thinking() const { return thinking_; }
  bool preserve_thinking() const { return preserve_thinking_; }
  bool generation_prompt() const { return generation_prompt_; }

 private:
  std::vector<Message> messages_;
  std::vector<std::string> tools_;  // JSON of each function object
  bool thinking_ = false;
  bool preserve_thinking_ = false;
  bool generation_prompt_ = true;
};

}  // namespace gemma4
