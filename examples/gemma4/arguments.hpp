// The options that several commands share, and what they lead to: a loaded model, sampling options.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gemma4/gemma4.hpp"
#include "interrupt.hpp"
#include "options.hpp"

namespace cli {

/// Which model, and how its answer is reported: every command.
struct ModelArguments {
  std::optional<std::string> model;
  bool json = false;
  void declare(OptionTable& table, bool with_json = true);
  std::string path() const;  ///< --model, or the default
};

/// Whether and by whom tokens are guessed ahead.
struct SpeculationArguments {
  std::int32_t depth = gemma4::Speculation::kAutomaticDepth;
  gemma4::DrafterKind drafter = gemma4::DrafterKind::automatic;
  /// Not listed: accepted for scripts that give the same options to all commands.
  void declare(OptionTable& table, bool listed = true);
  void declare_drafter(OptionTable& table, bool listed = true);  ///< --drafter alone
  gemma4::Speculation speculation() const { return {depth, drafter, {}, {}}; }
};

/// Which assistant goes with the model: every command that makes a session.
struct AssistantArguments {
  std::optional<std::string> assistant;
  void declare(OptionTable& table);
  /// --assistant, or the one beside the model; empty: none.
  std::string path(const std::string& model) const;
};

/// What is quantised while it is read: every command that loads the weights, inspect and pack.
struct StorageArguments {
  gemma4::WeightStorage model;
  void declare(OptionTable& table);
};

/// The same for an assistant, as one choice.
struct AssistantStorageArguments {
  gemma4::StoredAs stored = gemma4::StoredAs::exact;
  void declare(OptionTable& table);
  gemma4::WeightStorage storage() const { return {stored, stored}; }
};

/// Which integers activations are: every command that makes a session.
struct ActivationArguments {
  gemma4::ActivationType type = gemma4::ActivationType::automatic;
  void declare(OptionTable& table);
};

/// How it computes: every command that loads the weights.
struct LoadArguments : ModelArguments {
  AssistantArguments assistant;
  ActivationArguments activations;
  StorageArguments storage;
  AssistantStorageArguments assistant_storage;
  int threads = 0;
  gemma4::Isa isa = gemma4::Isa::automatic;
  std::uint64_t memory_budget_bytes = 0;
  void declare(OptionTable& table, bool with_json = true);

  /// Loads with a progress line; Ctrl-C gives Error(cancelled). `seconds` takes the time.
  gemma4::Model load(double* seconds = nullptr) const;

 private:
  SpeculationArguments unused_;  // commands that generate declare their own before these
};

/// What the session holds.
struct SessionArguments {
  std::uint32_t context_tokens = 0;
  gemma4::KvType kv = gemma4::KvType::f16;
  std::uint32_t prefill_chunk_tokens = 0;
  void declare(OptionTable& table);
  gemma4::SessionOptions options(const LoadArguments& load) const;
};

/// What a full context does: the commands that converse.
struct ContextArguments {
  gemma4::ContextPolicy policy = gemma4::ContextPolicy::error;
  std::optional<std::uint32_t> keep_first;
  void declare(OptionTable& table);
  /// Throws UsageError.
  void apply(gemma4::SessionOptions& options) const;
};

/// How the next token is chosen, and when the answer ends.
struct SamplingArguments {
  std::optional<float> temperature, top_p, min_p, repetition_penalty, presence_penalty,
      frequency_penalty;
  std::optional<std::int32_t> top_k;
  std::optional<std::uint32_t> max_tokens;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> stop;
  bool ignore_eos = false;

  /// `defaults` says where the values come from that are not given.
  void declare(OptionTable& table, const std::string& defaults);
  gemma4::GenerateOptions options(const gemma4::SamplingOptions& base,
                                  std::uint32_t base_max_tokens) const;
};

/// "(the context was full: 812 tokens dropped, 790 evaluated again)" for what happened between two
/// statistics; empty when nothing did.
std::string describe_shifts(const gemma4::Statistics& before, const gemma4::Statistics& after);

/// Token ids of an option; checked against a vocabulary by the library.
std::vector<gemma4::Token> to_tokens(const std::vector<std::uint64_t>& ids);

/// Ids as they can be given to --tokens again.
std::string join(std::span<const gemma4::Token> tokens);

/// Evaluates what was appended, `tokens` of them, with a progress line. Error(cancelled) after
/// Ctrl-C.
void prefill(gemma4::Session& session, std::uint32_t tokens, const CancelOnInterrupt& cancel);

}  // namespace cli
