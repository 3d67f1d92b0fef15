// Texts that plain decoding writes, to be compared with what drafts make of them.
#pragma once

#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

namespace gemma4::testing {

/// A text that plain decoding writes behind a prompt, and the logits after each of its tokens.
struct PlainText {
  std::vector<Token> tokens;
  LogitRows rows;
};

inline PlainText plain_text(const Model& model, const std::vector<Token>& prompt,
                            std::uint32_t length, const SamplingOptions& sampling = {},
                            KvType kv = KvType::f16) {
  Session session(model, with(Speculation::off(), session_options(kv)));
  PlainText plain{{}, prefill_rows(session, prompt)};
  while (session.position() < length) {
    (void)session.decode_step(sampling);
    const std::span<const float> row = session.logits();
    plain.rows.values.insert(plain.rows.values.end(), row.begin(), row.end());
  }
  plain.tokens = tokens_of(session);
  return plain;
}

/// Behind so many random tokens.
inline PlainText plain_text(const Model& model, std::uint32_t prompt, std::uint32_t length,
                            const SamplingOptions& sampling = {}, KvType kv = KvType::f16) {
  return plain_text(model, random_tokens(prompt), length, sampling, kv);
}

/// Writes the text on, up to `end` tokens, and compares every token, and every row of logits that
/// one was chosen from. Returns the first position that differs, or -1.
inline int first_difference(Session& session, const PlainText& plain, std::size_t end,
                            const SamplingOptions& sampling = {}) {
  while (session.position() < end) {
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
  return same_bits(session.logits(), plain.rows.row(end - 1)) ? -1 : static_cast<int>(end);
}

}  // namespace gemma4::testing
