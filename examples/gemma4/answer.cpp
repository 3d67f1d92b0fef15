#include "answer.hpp"

#include "terminal.hpp"

namespace cli {

void Answer::add(const gemma4::Event& event) {
  switch (event.kind) {
    case gemma4::Event::Kind::text:
      text += event.text;
      break;
    case gemma4::Event::Kind::thinking:
      thinking += event.text;
      break;
    case gemma4::Event::Kind::tool_call:
      tool_calls.push_back({std::string(event.tool_name), std::string(event.text), {}});
      break;
    case gemma4::Event::Kind::end:
      reason = event.reason;
      break;
  }
}

AnswerPrinter::AnswerPrinter() : terminal_(output_is_terminal()), styles_(output_has_styles()) {}

void AnswerPrinter::print(const gemma4::Event& event) {
  if (event.kind == gemma4::Event::Kind::end) return;
  const bool thinking = event.kind == gemma4::Event::Kind::thinking;
  if (thinking && !terminal_) return;
  if (thinking != thinking_) {
    if (styles_) write_out(thinking ? "\033[2m" : "\033[0m");
    if (line_open_) show("\n");
    thinking_ = thinking;
  }
  if (event.kind == gemma4::Event::Kind::tool_call) {
    if (line_open_) show("\n");
    show("[call " + std::string(event.tool_name) + " " + std::string(event.text) + "]\n");
  } else {
    show(event.text);
  }
  flush_out();
}

void AnswerPrinter::show(std::string_view text) {
  if (text.empty()) return;
  write_out(terminal_ ? harmless(text) : std::string(text));
  line_open_ = text.back() != '\n';
}

void AnswerPrinter::finish() {
  if (thinking_ && styles_) write_out("\033[0m");
  thinking_ = false;
  if (line_open_) write_out("\n");
  line_open_ = false;
  flush_out();
}

}  // namespace cli
