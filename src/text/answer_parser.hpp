// The model's answer as it streams: tokens to text, thinking and tool calls.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gemma4/event.hpp"
#include "text/tokenizer.hpp"

namespace gemma4 {

/// A state machine over marker tokens (docs/chat-format.md). Usage per token: feed(token), then
/// take() until it returns false; at the end finish(), then take() again. Views in events live
/// until the next feed() or finish(). No allocation per token once its buffers have grown.
class AnswerParser {
 public:
  /// raw: every token is text, markers included as their literal text, nothing is parsed.
  AnswerParser(const Tokenizer::Impl& tokenizer, bool raw);

  /// Starts anew. `context`: the prompt's tokens; when it ends inside an open thought channel the
  /// answer begins as thinking. `stop`: texts that end the answer; looked for in visible text (raw:
  /// in all text), across token borders.
  void start(std::span<const Token> context, std::span<const std::string> stop);

  void feed(Token token);
  void finish();  ///< emits what still waits (incomplete UTF-8 as U+FFFD, an unfinished tool call
                  ///< as text)
  bool take(Event& event);  ///< kinds text, thinking, tool_call

  bool stopped() const;  ///< a stop text was seen: nothing after it is emitted
  bool saw_tool_call() const;
};

}  // namespace gemma4
