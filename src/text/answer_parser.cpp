#include "text/answer_parser.hpp"

#include "text/tool_call_parser.hpp"

namespace gemma4 {
namespace {

constexpr std::string_view kThoughtHeader = "thought";
constexpr std::string_view kTurnHeader = "model\n";
constexpr std::string_view kWhitespace = " \n\t\r";

}  // namespace

AnswerParser::AnswerParser(const Tokenizer::Impl& tokenizer, bool raw)
    : tokenizer_(tokenizer), ids_(tokenizer.special_ids()), raw_(raw) {}

void AnswerParser::start(std::span<const Token> context, std::span<const std::string> stop) {
  state_ = State::text;
  stopped_ = saw_tool_call_ = false;
  utf8_ = Utf8Stream();
  stops_.start({});
  begin_events();
  if (!raw_) resume(context);
  begin_events();
  stops_.start(stop);
}

/// Takes over the state in which the context ends: inside a thought or a tool call, when it does.
void AnswerParser::resume(std::span<const Token> context) {
  std::size_t begin = context.size();
  while (begin > 0 && (!is_marker(context[begin - 1]) || context[begin - 1] == ids_.quote)) --begin;
  if (begin == 0) return;  // no marker at all
  const Token marker = context[begin - 1];
  if (marker != ids_.channel_open && marker != ids_.tool_call_open) return;
  for (std::size_t i = begin - 1; i < context.size(); ++i) {
    begin_events();
    if (is_marker(context[i])) {
      feed_marker(context[i]);
    } else {
      feed_bytes(tokenizer_.piece(context[i], false));
    }
  }
  thought_space_.clear();
  utf8_ = Utf8Stream();
}

bool AnswerParser::is_marker(Token token) const {
  if (token < 0) return false;  // the id of markers that the vocabulary lacks
  return token == ids_.channel_open || token == ids_.channel_close || token == ids_.quote ||
         token == ids_.tool_call_open || token == ids_.tool_call_close ||
         token == ids_.tool_response_open || token == ids_.tool_response_close ||
         token == ids_.turn_open || token == ids_.turn_close || token == ids_.eos;
}

void AnswerParser::feed(Token token) {
  begin_events();
  if (stopped_) return;
  if (!raw_ && is_marker(token)) {
    feed_marker(token);
  } else {
    feed_bytes(tokenizer_.piece(token, raw_));
  }
}

void AnswerParser::finish() {
  begin_events();
  if (stopped_) return;
  bytes_text_.clear();
  utf8_.flush(bytes_text_);
  feed_text(bytes_text_);
  if (state_ == State::call) abandon_call();
  if (state_ == State::thinking) emit(Event::Kind::thinking, thought_space_);
  release_held_text();
  state_ = State::text;
}

bool AnswerParser::take(Event& event) {
  if (taken_ == events_.size()) return false;
  const Pending& pending = events_[taken_++];
  const std::string_view text = events_text_;
  event = Event();
  event.kind = pending.kind;
  event.tool_name = text.substr(pending.name_begin, pending.text_begin - pending.name_begin);
  event.text = text.substr(pending.text_begin, pending.end - pending.text_begin);
  return true;
}

void AnswerParser::begin_events() {
  events_.clear();
  events_text_.clear();
  taken_ = 0;
}

void AnswerParser::feed_bytes(std::string_view bytes) {
  bytes_text_.clear();
  utf8_.feed(bytes, bytes_text_);
  feed_text(bytes_text_);
}

/// `text`: whole characters.
void AnswerParser::feed_text(std::string_view text) {
  if (text.empty()) return;
  switch (state_) {
    case State::text:
      return emit(Event::Kind::text, text);
    case State::thinking:
      return feed_thinking(text);
    case State::header:
      return feed_header(text);
    case State::call:
      call_ += text;
      return;
  }
}

void AnswerParser::feed_marker(Token token) {
  bytes_text_.clear();
  utf8_.flush(bytes_text_);
  feed_text(bytes_text_);
  if (state_ == State::call) {
    if (token == ids_.tool_call_close) return end_call();
    if (token == ids_.quote) {
      call_ += kQuoteByte;
      return;
    }
    if (token == ids_.channel_open || token == ids_.channel_close ||
        token == ids_.tool_response_close) {
      call_ += tokenizer_.piece(token, true);
      return;
    }
    abandon_call();  // the turn ended, or another call began
  }
  if (token == ids_.quote) return feed_text(tokenizer_.piece(token, true));
  if (token == ids_.channel_open) {
    const State before = state_ == State::header ? header_otherwise_ : state_;
    return expect(kThoughtHeader, before);
  }
  if (token == ids_.turn_open) return expect(kTurnHeader, State::text);
  if (token == ids_.tool_response_close) return;
  // <tool_call|> without a call and <channel|> without a thought are strays; like the ends of a
  // turn they give no text.
  state_ = token == ids_.tool_call_open ? State::call : State::text;
  call_.clear();
}

/// Waits for `header`; if other text comes instead it belongs to the state `otherwise`.
void AnswerParser::expect(std::string_view header, State otherwise) {
  state_ = State::header;
  header_ = header;
  header_matched_ = 0;
  header_otherwise_ = otherwise;
}

void AnswerParser::feed_header(std::string_view text) {
  while (!text.empty() && header_matched_ < header_.size()) {
    if (text[0] != header_[header_matched_]) {
      state_ = header_otherwise_;
      feed_text(header_.substr(0, header_matched_));
      return feed_text(text);
    }
    ++header_matched_;
    text.remove_prefix(1);
  }
  if (header_matched_ < header_.size()) return;
  const bool thought = header_ == kThoughtHeader;
  state_ = thought ? State::thinking : State::text;
  thought_begun_ = false;
  thought_space_.clear();
  feed_text(text);
}

/// Whitespace around a thought belongs to the format; what trails may also be inside it, so it
/// waits.
void AnswerParser::feed_thinking(std::string_view text) {
  const std::size_t last = text.find_last_not_of(kWhitespace);
  if (last == std::string_view::npos) {
    if (thought_begun_) thought_space_ += text;
    return;
  }
  if (!thought_begun_) text.remove_prefix(text.find_first_not_of(kWhitespace));
  const std::size_t body = text.find_last_not_of(kWhitespace) + 1;
  emit(Event::Kind::thinking, thought_space_);
  emit(Event::Kind::thinking, text.substr(0, body));
  thought_space_ = text.substr(body);
  thought_begun_ = true;
}

void AnswerParser::end_call() {
  if (!parse_tool_call(call_, call_name_, call_arguments_)) {
    abandon_call();
    return emit(Event::Kind::text, tokenizer_.piece(ids_.tool_call_close, true));
  }
  release_held_text();
  const std::size_t begin = events_text_.size();
  events_text_ += call_name_;
  const std::size_t text_begin = events_text_.size();
  events_text_ += call_arguments_;
  events_.push_back({Event::Kind::tool_call, begin, text_begin, events_text_.size()});
  saw_tool_call_ = true;
  state_ = State::text;
}

/// What began as a call and is none becomes text.
void AnswerParser::abandon_call() {
  state_ = State::text;
  emit(Event::Kind::text, tokenizer_.piece(ids_.tool_call_open, true));
  std::string_view rest = call_;
  for (std::size_t quote; (quote = rest.find(kQuoteByte)) != std::string_view::npos;) {
    emit(Event::Kind::text, rest.substr(0, quote));
    emit(Event::Kind::text, tokenizer_.piece(ids_.quote, true));
    rest.remove_prefix(quote + 1);
  }
  emit(Event::Kind::text, rest);
}

/// Text goes through the search for stop texts, all else straight to the events.
void AnswerParser::emit(Event::Kind kind, std::string_view text) {
  if (text.empty() || stopped_) return;
  if (kind != Event::Kind::text) {
    release_held_text();
    return add_event(kind, text);
  }
  visible_text_.clear();
  stopped_ = stops_.feed(text, visible_text_);
  add_event(kind, visible_text_);
}

/// Something else follows the text, or nothing: no stop text can be completed any more.
void AnswerParser::release_held_text() {
  visible_text_.clear();
  stops_.release(visible_text_);
  add_event(Event::Kind::text, visible_text_);
}

/// Pieces of one kind that follow each other become one event.
void AnswerParser::add_event(Event::Kind kind, std::string_view text) {
  if (text.empty()) return;
  const std::size_t begin = events_text_.size();
  if (events_.empty() || events_.back().kind != kind)
    events_.push_back({kind, begin, begin, begin});
  events_text_ += text;
  events_.back().end = events_text_.size();
}

}  // namespace gemma4
