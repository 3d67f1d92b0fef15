#include "text/context_end.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

/// The text of the tokens from `begin` up to the next special token, at most `limit` bytes.
std::string text_from(const Tokenizer::Impl& tokenizer, std::span<const Token> tokens,
                      std::size_t begin, std::size_t limit) {
  std::string text;
  for (std::size_t i = begin; i < tokens.size() && text.size() < limit; ++i) {
    if (tokenizer.is_special(tokens[i])) break;
    text += tokenizer.piece(tokens[i], false);
  }
  return text.substr(0, limit);
}

/// NAME of "call:NAME{...", empty when there is none.
std::string call_name(std::string_view call) {
  constexpr std::string_view kPrefix = "call:";
  const std::size_t brace = call.find('{');
  if (!call.starts_with(kPrefix) || brace == std::string_view::npos) return {};
  return std::string(call.substr(kPrefix.size(), brace - kPrefix.size()));
}

}  // namespace

ContextEnd context_end(const Tokenizer::Impl& tokenizer, std::span<const Token> context) {
  constexpr std::size_t kMaxNameBytes = 512;
  const SpecialIds& ids = tokenizer.special_ids();
  ContextEnd end;
  for (std::size_t i = 0; i < context.size(); ++i) {
    const Token token = context[i];
    if (token == ids.turn_open) {
      end.turn_open = true;
      end.model_turn = text_from(tokenizer, context, i + 1, 6) == "model\n";
      end.thought_open = false;
      end.waiting_calls.clear();
    } else if (token == ids.turn_close) {
      end.turn_open = end.model_turn = end.thought_open = false;
      end.waiting_calls.clear();
    } else if (token == ids.channel_open) {
      end.thought_open = true;
    } else if (token == ids.channel_close) {
      end.thought_open = false;
    } else if (token == ids.think) {
      end.thinks = true;
    } else if (token == ids.tool_call_open) {
      end.waiting_calls.push_back(call_name(text_from(tokenizer, context, i + 1, kMaxNameBytes)));
    } else if (token == ids.tool_response_close && !end.waiting_calls.empty()) {
      end.waiting_calls.erase(end.waiting_calls.begin());
    }
  }
  if (context.empty()) return end;
  const Token last = context.back();
  end.after_turn_close = last == ids.turn_close;
  end.after_newline = tokenizer.piece(last, false).ends_with('\n');
  end.response_open = last == ids.tool_response_open;
  end.awaits_response = end.response_open || last == ids.tool_call_close;
  return end;
}

}  // namespace gemma4
