// Gemma 4's chat format: messages to tokens.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gemma4/chat.hpp"
#include "text/tokenizer.hpp"

namespace gemma4 {

/// How the revisions of the official template differ where we can choose; see docs/chat-format.md.
struct ChatStyle {
  bool empty_thought_when_off =
      true;  ///< generation prompt with thinking off opens and closes an empty thought channel
  bool empty_thought_in_history =
      false;  ///< so does every earlier model turn without reasoning (12B, later revision)
};

/// Read off the template text stored in the file; defaults where there is none.
ChatStyle chat_style_of(const Tokenizer::Impl& tokenizer);

/// A prompt: the exact text, and its tokens. Message contents never become control tokens, whatever
/// they contain; the text shows them as they are.
struct RenderedChat {
  std::string text;
  std::vector<Token> tokens;
};

/// Renders a whole conversation, beginning with bos. Throws Error(invalid_argument): unknown role,
/// invalid JSON in arguments, responses or tools, a tool message without a call.
RenderedChat render_chat(const Chat& chat, const ChatStyle& style,
                         const Tokenizer::Impl& tokenizer);

/// Renders messages that continue a non-empty context: closes the model's open turn if there is
/// one, then the new messages, without bos. Tool messages right after a context that ends in a tool
/// call (token <|tool_response> or <tool_call|>) answer inside the same turn.
RenderedChat render_continuation(const Chat& chat, const ChatStyle& style,
                                 const Tokenizer::Impl& tokenizer, std::span<const Token> context);

}  // namespace gemma4
