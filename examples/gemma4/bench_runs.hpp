// The measurements of gemma4 bench.
#pragma once

#include <optional>
#include <vector>

#include "arguments.hpp"
#include "bench_speculation.hpp"
#include "measure.hpp"

namespace cli {

struct BenchArguments {
  std::uint32_t prompt_tokens = 512, generate = 32, depth = 0, repeats = 3;
  std::optional<std::vector<std::uint64_t>> batch, sessions;
  std::vector<double> replay_acceptance;
  bool no_speculation = false;
  LoadArguments load;
  SessionArguments session;
  SpeculationArguments speculation;

  OptionTable table();
  /// Throws UsageError; puts T(1) and one session first, whatever was asked for: the others are
  /// told as multiples of it.
  void settle();
};

/// A pass over several tokens, or over the newest tokens of several sessions.
struct PassTime {
  std::uint64_t tokens = 0;
  Spread seconds;
};

struct BenchResults {
  Spread bandwidth;                    ///< bytes a second
  std::optional<Spread> int8_rate;     ///< multiply-adds a second
  Spread prefill;                      ///< seconds
  Spread decode;                       ///< seconds a token
  std::vector<PassTime> verification;  ///< T(1) first
  std::vector<PassTime> sessions;    ///< passes that they share, one session first; empty: unasked
  std::optional<Spread> draft_step;  ///< seconds a token; none without an assistant

  double one() const { return verification[0].seconds.median; }  ///< T(1)
};

/// Is told what was measured as soon as it was: what drafts gain takes minutes on a large model.
class BenchObserver {
 public:
  virtual void times(const BenchResults& results) = 0;  ///< first
  /// Of one prompt, or of replays with one acceptance; without drafts first.
  virtual void speculation(const std::vector<SpeculationResult>& results) = 0;

 protected:
  ~BenchObserver() = default;
};

/// Makes all of them, one after another, with a progress line. Error(cancelled) after Ctrl-C.
void run_measurements(const BenchArguments& arguments, const gemma4::Model& model,
                      BenchObserver& observer);

/// Multiply-adds of weights that reading a token of a prompt takes.
double prefill_macs(const gemma4::ModelInfo& info);

}  // namespace cli
