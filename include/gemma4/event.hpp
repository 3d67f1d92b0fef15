// What generate() yields.
#pragma once

#include <cstdint>
#include <string_view>

namespace gemma4 {

enum class FinishReason : std::int32_t {
  none = 0,
  stop = 1,          ///< the model ended its turn
  length = 2,        ///< max_tokens
  stop_text = 3,     ///< one of GenerateOptions::stop
  tool_calls = 4,    ///< the model waits for tool results
  context_full = 5,  ///< no room for another token
  cancelled = 6,
};

/// The name of a reason ("stop", "length", ...); a static string.
const char* finish_reason_name(FinishReason reason) noexcept;

/// One piece of an answer. The views live until the next event is asked for.
struct Event {
  enum class Kind : std::int32_t {
    text = 1,       ///< `text`: part of the answer, whole UTF-8 characters
    thinking = 2,   ///< `text`: part of the thought before the answer
    tool_call = 3,  ///< `tool_name`, `text`: the arguments as a JSON object
    end = 4,        ///< `reason`; always the last event
  };
  Kind kind = Kind::text;
  std::string_view text;
  std::string_view tool_name;
  FinishReason reason = FinishReason::none;
};

}  // namespace gemma4
