// The golden files as C++ values; what each number means stands in README.md beside them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gemma4/chat.hpp"
#include "gemma4/tokenizer.hpp"

namespace gemma4::golden {

/// The embedded tiny pair.
std::string target_path();
std::string assistant_path();

/// The same target as a Hugging Face folder (W4A16).
std::string folder_path();

/// One row of logits, shortened.
struct Summary {
  std::vector<std::pair<Token, double>> top;  ///< the largest ones, in order
  double sum = 0, sum_of_squares = 0, minimum = 0, log_sum_exp = 0;
};

struct LogitPrompt {
  std::string name;
  std::vector<Token> ids;
  std::vector<std::size_t> positions;                 ///< the recorded ones
  std::vector<Summary> exact;                         ///< one per position
  std::map<std::string, std::vector<Summary>> llama;  ///< by KV setting
  std::vector<std::vector<float>> full;               ///< all exact logits, one row per position
};
std::vector<LogitPrompt> logit_prompts();

/// llama.cpp's distance from the exact logits over all positions of all prompts of logits.json: the
/// largest, and the mean over prompts of each prompt's mean; and the share of positions with the
/// same best token, likewise.
struct Agreement {
  double max = 0, mean = 0, same_best = 0;
};
Agreement llama_agreement(const std::string& kv);

/// Greedy tokens of llama.cpp.
struct Greedy {
  std::vector<Token> tokens;
  std::size_t first_small_margin = 0;  ///< the first token whose logit led by less than 0.5
};
struct Continuation {
  std::string name;
  std::vector<Token> ids;
  Greedy f32, f16;  ///< by KV setting
};
std::vector<Continuation> continuations();

struct Perplexity {
  std::vector<std::pair<std::size_t, double>>
      documents;  ///< predicted tokens and their negative log-likelihood
  double tokens = 0, nll = 0, perplexity = 0;
};
Perplexity perplexity(const std::string& result);  ///< "exact", "f32", "f16"
std::vector<std::string> held_out_documents();

struct DraftStep {
  Token token = 0;  ///< what goes in
  Summary exact, llama;
  std::vector<double> state;  ///< exact
};
struct DraftRun {
  std::string name;
  std::vector<Token> ids;  ///< all but the last are evaluated by the target first
  std::vector<double> hidden;
  std::vector<DraftStep> steps;
};
std::vector<DraftRun> draft_runs();

/// What became of the drafts of a whole run.
struct DraftCounts {
  std::uint64_t drafted = 0, accepted = 0, rounds = 0;
  std::vector<std::uint64_t> offered_at, accepted_at;  ///< by place in the draft
};
struct SpeculativeRun {
  std::string name;
  std::vector<Token> ids, greedy;
  std::map<std::uint32_t, DraftCounts> counts;  ///< by the most tokens of a draft
};
std::vector<SpeculativeRun> speculative_runs();

struct ChatCase {
  Chat chat;
  std::string prompt;
  std::vector<Token> ids;
};
std::vector<ChatCase> chat_cases();

}  // namespace gemma4::golden
