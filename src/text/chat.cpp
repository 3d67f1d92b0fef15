// Building a conversation piece by piece.
#include "gemma4/chat.hpp"

#include <utility>

namespace gemma4 {
namespace {

Message message(std::string_view role, std::string_view content) {
  Message made;
  made.role = role;
  made.content = content;
  return made;
}

}  // namespace

Chat& Chat::system(std::string_view text) { return add(message("system", text)); }

Chat& Chat::user(std::string_view text) { return add(message("user", text)); }

Chat& Chat::assistant(std::string_view text) { return add(message("assistant", text)); }

Chat& Chat::tool(std::string_view name, std::string_view response) {
  Message made = message("tool", response);
  made.name = name;
  return add(std::move(made));
}

Chat& Chat::add(Message message) {
  messages_.push_back(std::move(message));
  return *this;
}

Chat& Chat::thinking(bool on) {
  thinking_ = on;
  return *this;
}

Chat& Chat::preserve_thinking(bool on) {
  preserve_thinking_ = on;
  return *this;
}

Chat& Chat::generation_prompt(bool on) {
  generation_prompt_ = on;
  return *this;
}

}  // namespace gemma4
