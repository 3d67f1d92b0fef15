// An answer as it streams: collected, and shown to a person.
#pragma once

#include <string>
#include <vector>

#include "gemma4/chat.hpp"
#include "gemma4/event.hpp"

namespace cli {

/// Everything a generation gave.
struct Answer {
  std::string text, thinking;
  std::vector<gemma4::ToolCall> tool_calls;
  gemma4::FinishReason reason = gemma4::FinishReason::none;

  void add(const gemma4::Event& event);
};

/// Writes events to standard output as they come. On a terminal thoughts are dimmed and control
/// characters made harmless; elsewhere the text comes as it is, and thoughts are left out.
class AnswerPrinter {
 public:
  AnswerPrinter();
  void print(const gemma4::Event& event);
  void finish();  ///< ends the line

 private:
  void show(std::string_view text);

  bool terminal_, styles_;
  bool thinking_ = false;   // dimmed now
  bool line_open_ = false;  // the cursor is not at the start of a line
};

}  // namespace cli
