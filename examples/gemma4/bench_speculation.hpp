// What drafts gain: decoding with and without them, in turn.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemma4/gemma4.hpp"
#include "measure.hpp"

namespace cli {

/// Stands around a session's own drafter: asks it for no more than `depth` tokens, takes the time
/// of each, and, when it replays, says other tokens in their place. The drafter's work is done and
/// paid for in any case.
class BenchDrafter final : public gemma4::Drafter {
 public:
  /// What to say instead of the drafts: the continuation that is known, or a wrong token. Each
  /// place of the text has its own lot, so that all depths meet the same ones: a place counts at
  /// most once, when all before it in its draft were right.
  struct Replay {
    std::vector<gemma4::Token> text;  ///< the prompt and what follows
    gemma4::Token vocabulary = 0;
    std::vector<bool> right;  ///< by position

    /// Draws the lots of the positions from `first` on. This share of them is right, and not each
    /// with this probability: of a few tokens that would be another share each time.
    void draw(std::uint32_t first, double acceptance, std::uint64_t seed);
  };

  /// Speculation that asks `drafter` around the session's own; for one session at a time.
  static gemma4::Speculation around(const gemma4::Speculation& speculation,
                                    const std::shared_ptr<BenchDrafter>& drafter);

  void propose(const gemma4::DraftRequest& request, gemma4::DraftSink& draft) override;
  void verified(const gemma4::DraftVerdict& verdict) override;
  void rewound(std::uint32_t position) override { own_->rewound(position); }

  std::uint32_t depth = gemma4::kMostDrafts;
  std::optional<Replay> replay;
  std::vector<double>* seconds = nullptr;  ///< takes the time of each token drafted

 private:
  class Relay;
  std::shared_ptr<gemma4::Drafter> own_;
};

/// How many tokens were drafted at a time.
struct DraftDepth {
  static constexpr int kAutomatic = -1;
  int tokens = 0;            ///< 0: off
  std::string name() const;  ///< "off", "3", "auto"
};

struct SpeculationResult {
  std::string prompt;  ///< which of the built-in ones; empty: a replay
  double wanted_acceptance = 0;
  DraftDepth depth;
  std::uint64_t drafted = 0, accepted = 0;                      ///< in all repeats together
  std::array<std::uint64_t, gemma4::kMostDrafts + 1> passes{};  ///< by tokens drafted for them
  Spread tokens_per_second;
  Spread speedup;  ///< over off, of the same repeat

  bool replayed() const { return prompt.empty(); }
  /// Share of the drafted tokens that were accepted; not a number where none was drafted.
  double acceptance() const { return static_cast<double>(accepted) / static_cast<double>(drafted); }
};

class SpeculationBench {
 public:
  /// `options` are the sessions' but for speculation; `drafter` guesses; `generate` tokens at most
  /// are decoded each time, `repeats` times at least. Replays continue `replay_prompt`.
  SpeculationBench(const gemma4::Model& model, const gemma4::SessionOptions& options,
                   gemma4::DrafterKind drafter, std::uint32_t generate, std::uint32_t repeats,
                   std::vector<gemma4::Token> replay_prompt);
  ~SpeculationBench();

  /// Off, those of some depths whose last token is likely enough to be reached, and automatic, with
  /// drafts of the given acceptance. Throws std::runtime_error when the tokens are not those of
  /// decoding without drafts.
  std::vector<SpeculationResult> replay(double acceptance);

  /// Off, some depths and automatic, with the real drafts, on a built-in prompt; nothing when the
  /// model has nothing to say to it. Throws like replay().
  std::vector<SpeculationResult> real(std::size_t prompt);
  static std::size_t prompts();

  /// Tokens of context that the built-in prompts need besides what is generated.
  static constexpr std::uint32_t kPromptTokens = 512;

 private:
  struct Subject;
  struct Text;
  using Append = std::function<void(gemma4::Session&)>;
  Subject subject(const gemma4::Speculation& speculation, const Append& append) const;
  gemma4::GenerateOptions generation(bool replayed) const;
  Text known_text(const Append& append, bool replayed) const;
  std::vector<SpeculationResult> run(Text& text, const std::vector<int>& depths,
                                     const SpeculationResult& what) const;

  const gemma4::Model& model_;
  gemma4::SessionOptions options_;
  gemma4::DrafterKind drafter_;
  std::uint32_t generate_, repeats_;
  std::vector<gemma4::Token> replay_prompt_;
  std::unique_ptr<Text> replayed_;  // decoded once, for all replays
};

}  // namespace cli
