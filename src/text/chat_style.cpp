// Which revision of the official template a file carries.
#include <string_view>

#include "text/chat_format.hpp"

namespace gemma4 {

ChatStyle chat_style_of(const Tokenizer::Impl& tokenizer) {
  ChatStyle style;
  const std::string_view text = tokenizer.chat_template();
  const std::size_t tail = text.rfind("add_generation_prompt");
  if (tail == std::string_view::npos) return style;  // no template, or one we cannot judge
  // The small models' templates have no empty thought in the generation prompt, which is their last
  // part.
  style.empty_thought_when_off = text.find("<channel|>", tail) != std::string_view::npos;
  // The later revision for the 12B asks for the switch inside the message loop too, which the
  // others do not.
  style.empty_thought_in_history =
      text.substr(0, tail).find("not enable_thinking") != std::string_view::npos;
  return style;
}

}  // namespace gemma4
