// The MTP assistant: a small network that guesses the next token from a model's own state. It has
// no cache; its attention reads the model's. docs/assistant.md says what it is.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "cache/kv_cache.hpp"
#include "gemma4/tokenizer.hpp"
#include "model/blocks.hpp"
#include "model/head_search.hpp"
#include "model/network.hpp"
#include "model/workspace.hpp"
#include "weights/assistant_config.hpp"

namespace gemma4 {

/// How far before position n, that of the newest token, the queries of a draft step stand. 0 as in
/// transformers, llama.cpp and Google's own runtime; vLLM takes 1. It shows in how many drafts are
/// accepted and in nothing else.
constexpr std::uint32_t kQueriesBefore = 0;

/// A loaded assistant and the model it drafts for: everything that is constant while it runs. The
/// model must outlive it.
struct AssistantNetwork {
  /// Of a pair that check_pairing() passed.
  AssistantNetwork(AssistantConfig shapes, Weights loaded, const Network& model,
                   const AllocatorPtr& allocator = nullptr);

  AssistantConfig config;
  const Network& target;
  Network network;                             ///< the assistant's own layers
  std::vector<std::uint32_t> suppressed_rows;  ///< of the head, ascending: tokens never drafted

  /// Bytes besides the weights.
  static std::uint64_t table_bytes(const AssistantConfig& config, const ModelConfig& model);
};

/// Tokens that a session's assistant proposes at a step: enough to draw from.
constexpr std::uint32_t kDraftChoices = 64;

/// As many as there is room for.
constexpr std::uint32_t kAllChoices = ~0u;

struct AssistantShape {
  std::uint32_t context = 0;  ///< positions of the session
  std::uint32_t threads = 0;
  std::uint32_t choices = 1;  ///< tokens that best() gives; 1 is enough for greedy drafts
};

/// One session's draft steps. Computes on the model's threads in memory of its own: neither the
/// model's workspace nor its cache is touched. A step's result depends on its arguments and what
/// the cache holds before `position` alone, not on the threads or the kernels.
class Assistant {
 public:
  /// `pool` has at most shape.threads threads.
  Assistant(const AssistantNetwork& network, WorkerPool& pool, const AssistantShape& shape,
            const AllocatorPtr& allocator = nullptr);

  /// What the constructor takes.
  static std::uint64_t bytes(const AssistantConfig& config, const AssistantShape& shape);
  std::uint64_t taken_bytes() const { return work_.size_bytes() + memory_.size_bytes(); }

  /// Guesses what follows `token`, the newest one. `position` is where the session's newest token
  /// will be evaluated, n: the cache holds everything before it (n >= 1) and it stays the same for
  /// all steps of a round. `hidden` [hidden size of the model] is Forward::hidden_row of the token
  /// at n - 1 for the first step of a round, then next_hidden(). False when cancelled: the results
  /// are undefined then, and a later step starts afresh. `choices`: so many of best() are enough,
  /// which spares sorting the others.
  bool step(Token token, std::span<const float> hidden, std::uint32_t position,
            const KvCache& cache, const std::atomic<bool>* cancel,
            std::uint32_t choices = kAllChoices);

  // Results of the last step.

  /// The tokens with the largest logits in falling order, the lower token first among equals,
  /// without suppressed ones: as many as shape.choices and the step asked for, fewer only if the
  /// head looked at fewer. Empty if no logit was a number.
  std::span<const DraftChoice> best() const { return arrays_.search.best(); }

  /// The probability that the assistant gives the first of best(), among the tokens it looked at.
  float confidence() const { return arrays_.search.confidence(); }

  /// What takes the place of `hidden` in the next step of the round.
  std::span<const float> next_hidden() const { return arrays_.next_hidden; }

 private:
  struct Arrays {
    Arrays(Carver& carver, const AssistantConfig& config, const AssistantShape& shape);
    Activations input;  // [2 * backbone]: the model's embedding of the token, then the hidden state
    std::span<float> next_hidden;  // [backbone]
    HeadSearch search;
  };

  static WorkspaceShape workspace_shape(const AssistantShape& shape);
  static std::uint64_t arrays_bytes(const AssistantConfig& config, const AssistantShape& shape);
  void take_input(Token token, std::span<const float> hidden);
  void attention_block(std::size_t layer, std::uint32_t position, const KvCache& cache);

  const AssistantNetwork& network_;
  WorkerPool& pool_;
  Workspace work_;
  Blocks blocks_;
  Buffer memory_;
  Arrays arrays_;
};

}  // namespace gemma4
