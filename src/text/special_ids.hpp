// The special tokens that the chat format and the answer parser work with.
#pragma once

#include "gemma4/tokenizer.hpp"

namespace gemma4 {

/// Ids of the tokens that the chat format and the answer parser need; -1 where the vocabulary lacks
/// one.
struct SpecialIds {
  Token bos = -1, eos = -1, unknown = -1, padding = -1;
  Token turn_open = -1, turn_close = -1;                    // <|turn> <turn|>
  Token channel_open = -1, channel_close = -1;              // <|channel> <channel|>
  Token think = -1;                                         // <|think|>
  Token tool_open = -1, tool_close = -1;                    // <|tool> <tool|>
  Token tool_call_open = -1, tool_call_close = -1;          // <|tool_call> <tool_call|>
  Token tool_response_open = -1, tool_response_close = -1;  // <|tool_response> <tool_response|>
  Token quote = -1;                                         // <|"|>
};

}  // namespace gemma4
