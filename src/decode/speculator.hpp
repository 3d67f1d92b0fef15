// Drafts and what becomes of them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "decode/depth_controller.hpp"
#include "gemma4/drafter.hpp"
#include "gemma4/speculation.hpp"
#include "gemma4/statistics.hpp"

namespace gemma4 {

/// One session's speculation. A round: draft() gives the tokens that go into the next pass after
/// the newest one; passed() says that the pass was made; then the model's own choices come one at a
/// time, whenever the session makes them, and chosen() tells whether each was drafted, so that its
/// row has been evaluated already. The first that was not, or abandon(), ends the round. With no
/// draft this is plain decoding.
class Speculator {
 public:
  /// `drafter` null: no drafts. `vocabulary`: tokens below it are valid. Counts in `statistics`.
  Speculator(std::shared_ptr<Drafter> drafter, std::int32_t depth, std::uint32_t vocabulary,
             Statistics& statistics);

  /// Whether the number of drafted tokens follows what passes cost.
  bool adapts() const { return controller_.has_value(); }

  /// Asks for at most `most` tokens that continue `tokens`. They are valid until the next call.
  /// What the drafter throws passes through.
  std::span<const Token> draft(std::span<const Token> tokens, const SamplingOptions& sampling,
                               std::uint32_t most);

  /// The pass over the newest token and the draft is done. `alone`: there were no other rows in it,
  /// so that its time says what such passes cost.
  void passed(std::uint64_t ns, bool alone);

  /// The model chose `token` after the last token whose row is known. True: it is the next of the
  /// draft, and so is its row.
  bool chosen(Token token);

  /// What is left of the draft will not be judged.
  void abandon() { close(false); }

  /// Tokens from `position` on were taken back.
  void rewound(std::uint32_t position);

 private:
  class Sink;
  void ask(std::span<const Token> tokens, const SamplingOptions& sampling, std::uint32_t most);
  void tell();
  void close(bool rejected);

  std::shared_ptr<Drafter> drafter_;
  std::optional<DepthController> controller_;  // none: the depth is fixed
  std::uint32_t depth_;                        // the most to ask for
  std::uint32_t vocabulary_;
  Statistics& statistics_;

  std::array<Token, kMostDrafts> tokens_{};
  std::uint32_t count_ = 0;     // drafted, and to be checked
  std::uint32_t accepted_ = 0;  // of those so far
  bool open_ = false;           // passed, and not all judged

  // News that the drafter hears before it is asked again: only there can what it throws do no harm.
  bool verdict_due_ = false;
  DraftVerdict verdict_;
  std::optional<std::uint32_t> rewound_to_;
};

}  // namespace gemma4
