// What the tokens of a session end in, as far as the chat format cares.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.hpp"

namespace gemma4 {

struct ContextEnd {
  bool turn_open = false;                  ///< a <|turn> without its <turn|>
  bool model_turn = false;                 ///< that turn is the model's
  bool thought_open = false;               ///< a <|channel> without its <channel|>
  bool thinks = false;                     ///< <|think|> stands somewhere: thinking was switched on
  bool after_turn_close = false;           ///< the last token is <turn|>, its newline is missing
  bool after_newline = false;              ///< the last token ends with a newline
  bool awaits_response = false;            ///< the last token is <tool_call|> or <|tool_response>
  bool response_open = false;              ///< it is <|tool_response>
  std::vector<std::string> waiting_calls;  ///< names of the tools called and not answered, in order
};

ContextEnd context_end(const Tokenizer::Impl& tokenizer, std::span<const Token> context);

}  // namespace gemma4
