// What the comparison asks of an engine. Each engine is a process of its own that keeps its model
// loaded and answers one command at a time over a pipe, so that measurements of several can take
// turns.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gemma4::bench {

/// Context is evaluated truly up to here; longer ones are made by repeating its KV rows: filling
/// 64 K positions would take an hour, and the time of a step does not depend on their values.
constexpr std::uint32_t kEvaluatedTokens = 128;

struct EngineOptions {
  std::string model;
  int threads = 0;
  std::uint32_t context = 0;         ///< tokens
  std::string isa;                   ///< empty: the engine's own choice
  std::string kv = "f16";            ///< KV rows; llama.cpp keeps to f16
  std::string activations = "auto";  ///< llama.cpp has its own ways
};

class Engine {
 public:
  virtual ~Engine() = default;

  /// Ready to evaluate afterwards. Returns one line: name, version, kernels.
  virtual std::string load(const EngineOptions& options) = 0;
  virtual std::uint32_t vocabulary() const = 0;

  /// Seconds in which the engine's threads read its weights where they lie and do nothing with
  /// them: the least that a decode step takes. 0: cannot tell.
  virtual double read_weights() { return 0; }

  /// Adds tokens to the context. Computes the logits of all of them, or of the last one.
  virtual void evaluate(std::span<const std::int32_t> tokens, bool all_logits) = 0;

  /// Logits of the last token.
  virtual std::span<const float> logits() = 0;

  /// Keeps the first `position` tokens.
  virtual void rewind(std::uint32_t position) = 0;

  /// From a context of kEvaluatedTokens to one of `depth` tokens, by repeating KV rows.
  virtual void stretch(std::uint32_t depth) = 0;
};

/// Answers commands on stdin with lines on stdout until the pipe ends; the program's exit code.
///   load THREADS CONTEXT KV ACTIVATIONS ISA MODEL
///                                   ->  ok SECONDS DESCRIPTION   (ISA "-": the engine's choice)
///   top                             ->  ok TOKEN LOGIT            after a fixed prompt; empties
///   prefill N                       ->  ok SECONDS                N tokens from empty; empties
///   fill DEPTH                      ->  ok                        a context to measure in
///   read                            ->  ok SECONDS                all weights once, 0: unknown
///   steps N                         ->  ok SECONDS ...            N tokens one by one, taken back
///   batch N                         ->  ok SECONDS                N tokens at once, taken back
///   memory                          ->  ok PEAK ANONYMOUS         resident bytes
/// Every failure is answered with "error MESSAGE".
int serve(Engine& engine);

}  // namespace gemma4::bench
