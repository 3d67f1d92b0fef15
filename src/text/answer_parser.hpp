// The model's answer as it streams: tokens to text, thinking and tool calls.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/event.hpp"
#include "text/stop_matcher.hpp"
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

  bool stopped() const { return stopped_; }  ///< a stop text was seen: nothing after it is emitted
  bool saw_tool_call() const { return saw_tool_call_; }

 private:
  enum class State {
    text,
    thinking,
    header,  // after <|channel> or <|turn>: the name that should follow
    call,    // after <|tool_call>
  };

  // An event as offsets into events_text_, which may still move while events are added.
  struct Pending {
    Event::Kind kind;
    std::size_t name_begin, text_begin, end;
  };

  void begin_events();
  void feed_bytes(std::string_view bytes);
  void feed_marker(Token token);
  void feed_text(std::string_view text);
  void feed_thinking(std::string_view text);
  void feed_header(std::string_view text);
  void expect(std::string_view header, State otherwise);
  void end_call();
  void abandon_call();
  void emit(Event::Kind kind, std::string_view text);
  void release_held_text();
  void add_event(Event::Kind kind, std::string_view text);
  void resume(std::span<const Token> context);
  bool is_marker(Token token) const;

  const Tokenizer::Impl& tokenizer_;
  const SpecialIds ids_;
  const bool raw_;

  State state_ = State::text;
  bool stopped_ = false;
  bool saw_tool_call_ = false;
  Utf8Stream utf8_;
  StopMatcher stops_;

  std::string_view header_;  // what is expected in State::header, and how much of it came
  std::size_t header_matched_ = 0;
  State header_otherwise_ = State::text;
  bool thought_begun_ = false;  // leading whitespace of the thought is over
  std::string thought_space_;   // whitespace that is dropped if the thought ends here
  std::string call_;            // text between <|tool_call> and <tool_call|>, kQuoteByte for <|"|>

  std::string bytes_text_, visible_text_, call_name_, call_arguments_;  // scratch
  std::string events_text_;
  std::vector<Pending> events_;
  std::size_t taken_ = 0;
};

}  // namespace gemma4
