#include "text/chat_format.hpp"

#include <optional>

#include "base/error.hpp"
#include "text/context_end.hpp"
#include "text/json.hpp"
#include "text/prompt_writer.hpp"
#include "text/tool_declaration.hpp"
#include "text/tool_value.hpp"
#include "text/utf8.hpp"

namespace gemma4 {
namespace {

enum class Role { none, system, user, model, tool };

/// What a message left in the model's turn last, besides content.
enum class LastBlock { none, call, response };

std::string place_of(std::size_t message) { return "messages[" + std::to_string(message) + "]"; }

Role role_of(const Message& message, const std::string& place) {
  if (message.role == "system" || message.role == "developer") return Role::system;
  if (message.role == "user") return Role::user;
  if (message.role == "assistant" || message.role == "model") return Role::model;
  if (message.role == "tool") return Role::tool;
  fail(ErrorCode::invalid_argument,
       place + ".role: expected system, developer, user, assistant or tool, found " +
           in_quotes(message.role));
}

std::string_view name_of(Role role) {
  return role == Role::system ? "system" : role == Role::user ? "user" : "model";
}

/// An answer without its thoughts: of the text between channel ends, what stands before a channel's
/// begin.
std::string strip_thinking(std::string_view text) {
  constexpr std::string_view kOpen = "<|channel>", kClose = "<channel|>";
  std::string result;
  while (true) {
    const std::size_t close = text.find(kClose);
    const std::string_view part = text.substr(0, close);
    result += part.substr(0, part.find(kOpen));
    if (close == std::string_view::npos) break;
    text.remove_prefix(close + kClose.size());
  }
  return std::string(trim(result));
}

/// Writes one prompt, message by message; docs/chat-format.md gives the rules.
class Renderer {
 public:
  Renderer(const Chat& chat, const ChatStyle& style, const Tokenizer::Impl& tokenizer);

  RenderedChat whole();
  RenderedChat continuation(const ContextEnd& end);

 private:
  void open_turn(Role role);
  void close_turn();
  void open_thought();
  void close_thought();
  void system_turn(bool think);
  void messages_from(std::size_t i);
  std::size_t message(std::size_t i);
  void tool_calls(std::size_t i);
  std::size_t answers_of(std::size_t i);
  void begin_answer(std::string_view name);
  void end_answer();
  void text_answer(std::string_view name, const Message& message);
  void json_answer(std::string_view name, JsonElement value);
  std::string_view called_name(const Message& answer, const Message& caller) const;
  std::size_t answers_to_context(const ContextEnd& end);
  void end_message(Role role, bool calls, bool empty, Role next);
  void close_context(const ContextEnd& end);
  void generation_prompt();

  Role role_at(std::size_t i) const { return i < roles_.size() ? roles_[i] : Role::none; }
  bool starts_with_system() const { return role_at(0) == Role::system; }

  const Chat& chat_;
  const ChatStyle& style_;
  PromptWriter out_;
  const SpecialIds& ids_;
  std::vector<Role> roles_;
  std::optional<std::size_t> last_user_;
  Role previous_ = Role::none;
  LastBlock last_block_ = LastBlock::none;
  bool turn_open_ = false;
  bool response_open_ = false;  // the context ends in <|tool_response>
};

Renderer::Renderer(const Chat& chat, const ChatStyle& style, const Tokenizer::Impl& tokenizer)
    : chat_(chat), style_(style), out_(tokenizer), ids_(tokenizer.special_ids()) {
  for (std::size_t i = 0; i < chat.messages().size(); ++i) {
    const Message& message = chat.messages()[i];
    const Role role = role_of(message, place_of(i));
    if (role != Role::model && !(message.tool_calls.empty() && message.tool_responses.empty())) {
      fail(ErrorCode::invalid_argument,
           place_of(i) + ": expected tool calls in assistant messages, found role " +
               in_quotes(message.role));
    }
    if (role == Role::user) last_user_ = i;
    roles_.push_back(role);
  }
}

RenderedChat Renderer::whole() {
  out_.special(ids_.bos, "<bos>");
  if (chat_.thinking() || !chat_.tools().empty() || starts_with_system()) {
    system_turn(chat_.thinking());
  }
  messages_from(starts_with_system() ? 1 : 0);
  generation_prompt();
  return out_.finish();
}

RenderedChat Renderer::continuation(const ContextEnd& end) {
  if (end.awaits_response && role_at(0) == Role::tool) {
    if (!chat_.tools().empty()) {
      fail(ErrorCode::invalid_argument, "tools cannot be declared between a call and its result");
    }
    messages_from(answers_to_context(end));
  } else {
    close_context(end);
    const bool think = chat_.thinking() && !end.thinks && !turn_open_;
    if (think || !chat_.tools().empty() || starts_with_system()) {
      if (turn_open_) close_turn();
      system_turn(think);
    }
    messages_from(starts_with_system() ? 1 : 0);
  }
  generation_prompt();
  return out_.finish();
}

void Renderer::open_turn(Role role) {
  out_.special(ids_.turn_open, "<|turn>");
  out_.text(name_of(role));
  out_.text("\n");
  turn_open_ = true;
}

void Renderer::close_turn() {
  out_.special(ids_.turn_close, "<turn|>");
  out_.text("\n");
  turn_open_ = false;
}

void Renderer::open_thought() {
  out_.special(ids_.channel_open, "<|channel>");
  out_.text("thought\n");
}

void Renderer::close_thought() { out_.special(ids_.channel_close, "<channel|>"); }

void Renderer::system_turn(bool think) {
  open_turn(Role::system);
  if (think) {
    out_.special(ids_.think, "<|think|>");
    out_.text("\n");
  }
  if (starts_with_system()) out_.text(trim(chat_.messages()[0].content));
  for (std::size_t i = 0; i < chat_.tools().size(); ++i) {
    out_.special(ids_.tool_open, "<|tool>");
    write_tool_declaration(chat_.tools()[i], "tools[" + std::to_string(i) + "]", out_);
    out_.special(ids_.tool_close, "<tool|>");
  }
  close_turn();
}

void Renderer::messages_from(std::size_t i) {
  while (i < roles_.size()) i = message(i);
}

/// Writes message i and the tool messages that answer it; returns the index of the next one.
std::size_t Renderer::message(std::size_t i) {
  const Message& message = chat_.messages()[i];
  const Role role = roles_[i];
  if (role == Role::tool) {
    fail(ErrorCode::invalid_argument, place_of(i) + ": a tool message without a call before it");
  }
  last_block_ = LastBlock::none;
  const bool same_turn = role == Role::model && previous_ == Role::model && turn_open_;
  if (!same_turn) {
    open_turn(role);
    if (style_.empty_thought_in_history && role == Role::model && !chat_.thinking() &&
        message.reasoning.empty()) {
      open_thought();
      close_thought();
    }
  }
  const bool after_last_user = !last_user_ || i > *last_user_;
  if (role == Role::model && !message.reasoning.empty() &&
      (after_last_user || (chat_.preserve_thinking() && !message.tool_calls.empty()))) {
    open_thought();
    out_.text(message.reasoning);
    out_.text("\n");
    close_thought();
  }
  tool_calls(i);
  const std::size_t next = answers_of(i);
  const std::string content =
      role == Role::model ? strip_thinking(message.content) : std::string(trim(message.content));
  out_.text(content);
  end_message(role, !message.tool_calls.empty(), content.empty(), role_at(next));
  return next;
}

void Renderer::tool_calls(std::size_t i) {
  const std::vector<ToolCall>& calls = chat_.messages()[i].tool_calls;
  for (std::size_t k = 0; k < calls.size(); ++k) {
    const std::string place = place_of(i) + ".tool_calls[" + std::to_string(k) + "]";
    if (calls[k].name.empty()) fail(ErrorCode::invalid_argument, place + ".name is empty");
    out_.special(ids_.tool_call_open, "<|tool_call>");
    out_.text("call:");
    out_.text(calls[k].name);
    out_.text("{");
    if (!trim(calls[k].arguments).empty()) {
      const JsonDocument arguments(calls[k].arguments, place + ".arguments");
      write_pairs(json_object(arguments.root(), place + ".arguments"), KeyStyle::bare, out_);
    }
    out_.text("}");
    out_.special(ids_.tool_call_close, "<tool_call|>");
    last_block_ = LastBlock::call;
  }
}

/// Writes the results that message i brings along or that the tool messages after it bring; returns
/// the index of the next message.
std::size_t Renderer::answers_of(std::size_t i) {
  const Message& caller = chat_.messages()[i];
  for (std::size_t k = 0; k < caller.tool_responses.size(); ++k) {
    const ToolResponse& response = caller.tool_responses[k];
    const JsonDocument document(response.response,
                                place_of(i) + ".tool_responses[" + std::to_string(k) + "]");
    json_answer(response.name, document.root());
  }
  std::size_t next = i + 1;
  if (!caller.tool_responses.empty() || caller.tool_calls.empty()) return next;
  for (; role_at(next) == Role::tool; ++next) {
    const Message& message = chat_.messages()[next];
    text_answer(called_name(message, caller), message);
  }
  return next;
}

void Renderer::begin_answer(std::string_view name) {
  if (!response_open_) out_.special(ids_.tool_response_open, "<|tool_response>");
  response_open_ = false;
  out_.text("response:");
  out_.text(name.empty() ? "unknown" : name);
  out_.text("{");
}

void Renderer::end_answer() {
  out_.text("}");
  out_.special(ids_.tool_response_close, "<tool_response|>");
  last_block_ = LastBlock::response;
}

/// A tool message's text is passed on as a string, even if it holds JSON.
void Renderer::text_answer(std::string_view name, const Message& message) {
  begin_answer(name);
  out_.text("value:");
  out_.quoted_text(message.content);
  end_answer();
}

/// A mapping stands as its pairs alone.
void Renderer::json_answer(std::string_view name, JsonElement value) {
  begin_answer(name);
  if (JsonObject pairs; value.get(pairs) == simdjson::SUCCESS) {
    write_pairs(pairs, KeyStyle::bare, out_);
  } else {
    out_.text("value:");
    write_value(value, KeyStyle::bare, out_);
  }
  end_answer();
}

std::string_view Renderer::called_name(const Message& answer, const Message& caller) const {
  for (const ToolCall& call : caller.tool_calls) {
    if (!answer.tool_call_id.empty() && call.id == answer.tool_call_id) return call.name;
  }
  return answer.name;
}

/// Writes the tool messages that answer the calls the context ends in; returns the index of the
/// next message. The context knows no ids, so an answer without a name belongs to the next call
/// that waits.
std::size_t Renderer::answers_to_context(const ContextEnd& end) {
  response_open_ = end.response_open;
  turn_open_ = true;
  previous_ = Role::model;
  std::size_t next = 0;
  for (; role_at(next) == Role::tool; ++next) {
    const Message& message = chat_.messages()[next];
    const bool by_order = message.name.empty() && next < end.waiting_calls.size();
    text_answer(by_order ? end.waiting_calls[next] : message.name, message);
  }
  end_message(Role::model, true, true, role_at(next));
  return next;
}

/// Closes a message's turn unless the model goes on in it.
void Renderer::end_message(Role role, bool calls, bool empty, Role next) {
  previous_ = role;
  const bool responses = last_block_ == LastBlock::response;
  if (last_block_ == LastBlock::call) {
    out_.special(ids_.tool_response_open, "<|tool_response>");  // left to be filled
  } else if (role == Role::model && next == Role::model && (!calls || responses)) {
    // the next message is part of the same turn
  } else if (responses && empty && next == Role::none) {
    // the model goes on after the results
  } else {
    close_turn();
  }
}

/// Closes what the context leaves open, unless the first message goes on in it.
void Renderer::close_context(const ContextEnd& end) {
  if (end.thought_open) {
    if (!end.after_newline) out_.text("\n");
    close_thought();
  }
  if (end.turn_open && end.model_turn && role_at(0) == Role::model) {
    turn_open_ = true;
    previous_ = Role::model;
  } else if (end.turn_open) {
    close_turn();
  } else if (end.after_turn_close) {
    out_.text("\n");
  }
}

void Renderer::generation_prompt() {
  if (!chat_.generation_prompt() || last_block_ == LastBlock::call) return;
  if (last_block_ == LastBlock::response && turn_open_) {
    if (chat_.thinking()) open_thought();
    return;
  }
  const bool after_results = last_block_ == LastBlock::response;
  open_turn(Role::model);
  // The template forgets to open a turn after results whose message had content too; llama.cpp adds
  // the bare header.
  if (!after_results && !chat_.thinking() && style_.empty_thought_when_off) {
    open_thought();
    close_thought();
  }
}

}  // namespace

RenderedChat render_chat(const Chat& chat, const ChatStyle& style,
                         const Tokenizer::Impl& tokenizer) {
  return Renderer(chat, style, tokenizer).whole();
}

RenderedChat render_continuation(const Chat& chat, const ChatStyle& style,
                                 const Tokenizer::Impl& tokenizer, std::span<const Token> context) {
  return Renderer(chat, style, tokenizer).continuation(context_end(tokenizer, context));
}

}  // namespace gemma4
