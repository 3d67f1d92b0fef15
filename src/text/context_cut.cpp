#include "text/context_cut.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

/// Whether the text behind position `begin`, token by token, begins with `text`.
bool reads(const Tokenizer::Impl& tokenizer, std::span<const Token> tokens, std::size_t begin,
           std::string_view text) {
  for (std::size_t i = begin; !text.empty() && i < tokens.size(); ++i) {
    const std::string_view piece = tokenizer.piece(tokens[i], false);
    const std::size_t common = std::min(piece.size(), text.size());
    if (piece.empty() || piece.substr(0, common) != text.substr(0, common)) return false;
    text.remove_prefix(common);
  }
  return text.empty();
}

struct Turns {
  const Tokenizer::Impl& tokenizer;
  std::span<const Token> tokens;
  Token open = tokenizer.special_ids().turn_open, close = tokenizer.special_ids().turn_close;

  /// Where the first turn at or behind `position` begins; the end when there is none.
  std::size_t next(std::size_t position) const {
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(position);
    return static_cast<std::size_t>(std::find(begin, tokens.end(), open) - tokens.begin());
  }
  bool role(std::size_t turn, std::string_view line) const {
    return reads(tokenizer, tokens, turn + 1, line);
  }
  bool inside(std::size_t position) const {
    while (position > 0 && tokens[position - 1] != open && tokens[position - 1] != close)
      --position;
    return position > 0 && tokens[position - 1] == open;
  }
};

std::size_t first_kept(const Turns& turns, std::uint32_t keep_first) {
  const std::size_t size = turns.tokens.size();
  if (keep_first != 0) {
    const std::size_t turn = turns.next(std::min<std::size_t>(keep_first, size));
    return turn < size ? turn : std::min<std::size_t>(keep_first, size);
  }
  const std::size_t bos = size > 0 && turns.tokens[0] == turns.tokenizer.special_ids().bos ? 1 : 0;
  const bool system = bos < size && turns.tokens[bos] == turns.open && turns.role(bos, "system\n");
  return system ? turns.next(bos + 1) : bos;
}

}  // namespace

std::optional<ContextCut> context_cut(const Tokenizer::Impl& tokenizer,
                                      std::span<const Token> tokens, const CutRequest& request) {
  const Turns turns{tokenizer, tokens};
  const std::size_t size = tokens.size(), head = first_kept(turns, request.keep_first),
                    rest = size - head;
  const std::size_t most = request.everything || rest == 0 ? rest : rest - 1;
  if (request.least > most) return std::nullopt;
  const auto cut = [head](std::size_t end) {
    return ContextCut{static_cast<std::uint32_t>(head), static_cast<std::uint32_t>(end)};
  };
  const std::size_t least = head + static_cast<std::size_t>(request.least),
                    half = std::max(least, head + rest / 2);
  const std::size_t first_turn = turns.next(head);
  if (first_turn == size && !turns.inside(head)) return cut(half);
  // the first border from `half` on, else the last before it
  std::size_t user = 0, any = 0;
  for (std::size_t turn = first_turn; turn < size; turn = turns.next(turn + 1)) {
    if (turn < least) continue;
    if (any < half) any = turn;
    if (user < half && turns.role(turn, "user\n")) user = turn;
  }
  if (user != 0) return cut(user);
  if (any != 0) return cut(any);
  if (request.everything) return cut(size);
  return std::nullopt;
}

}  // namespace gemma4
