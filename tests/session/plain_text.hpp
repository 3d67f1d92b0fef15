// A text that plain decoding writes, and the comparison with a session that drafts: tokens and
// logits to the bit.
#pragma once

#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

namespace gemma4::testing {

struct Plain {
  std::vector<Token> tokens;  ///< the prompt's in front
  std::size_t prompt = 0;     ///< how many those are
  LogitRows rows;             ///< the logits after each token
};

/// The text of `length` tokens that begins with a prompt.
inline Plain plain_text(const Model& model, const SamplingOptions& sampling, std::uint32_t length,
                        KvType kv = KvType::f16,
                        const std::vector<Token>& prompt = random_tokens(40)) {
  Session session(model, with(Speculation::off(), session_options(kv)));
  session.append_tokens(prompt);
  while (session.position() < length) (void)session.decode_step(sampling);
  Plain plain{tokens_of(session), prompt.size(), {}};
  Session again(model, with(Speculation::off(), session_options(kv)));
  plain.rows = prefill_rows(again, plain.tokens);
  return plain;
}

/// Writes the text with a fresh session's drafts and compares every token, and every row of logits
/// that one was chosen from. Returns the first position that differs, or -1.
inline int first_difference(Session& session, const Plain& plain, const SamplingOptions& sampling) {
  session.append_tokens(std::span(plain.tokens).first(plain.prompt));
  while (session.position() < plain.tokens.size()) {
    const std::uint32_t position = session.position();
    const int at = static_cast<int>(position);
    const std::uint64_t accepted = session.statistics().accepted;
    const std::uint64_t steps = session.statistics().target_steps;
    if (session.decode_step(sampling) != plain.tokens[position]) return at;
    if (session.statistics().accepted > accepted) {
      // its row came with the draft
      const std::uint64_t passes = session.statistics().target_steps;
      if (!same_bits(session.logits(), plain.rows.row(position))) return at;
      if (session.statistics().target_steps != passes) return at;
    } else if (session.statistics().target_steps > steps) {
      // what it was chosen from is still there when it is taken back
      session.rewind(position);
      if (!same_bits(session.logits(), plain.rows.row(position - 1))) return at;
      if (session.decode_step(sampling) != plain.tokens[position]) return at;
    }
  }
  return same_bits(session.logits(), plain.rows.row(plain.tokens.size() - 1))
             ? -1
             : static_cast<int>(plain.tokens.size());
}

}  // namespace gemma4::testing
