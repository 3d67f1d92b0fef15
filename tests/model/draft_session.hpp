// What a session does for its assistant, without the session: evaluate tokens, keep the last hidden
// row, draft.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "model/assistant.hpp"
#include "model/forward.hpp"
#include "session/model_impl.hpp"

namespace gemma4::test {

class DraftSession {
 public:
  explicit DraftSession(const Model& loaded, KvType kv = KvType::f32, std::uint32_t choices = 1,
                        std::uint32_t context = 2048)
      : DraftSession(loaded, *loaded.impl()->assistant, kv, choices, context) {}

  /// With another assistant than the model's own.
  DraftSession(const Model& loaded, const AssistantNetwork& assistant, KvType kv,
               std::uint32_t choices, std::uint32_t context = 2048)
      : model_(loaded),
        network_(*loaded.impl()->network),
        pool_(*loaded.impl()->pool),
        work_(network_.config, shape(context)),
        cache_(network_.config, kv, context, kBatch),
        forward_(network_, pool_, work_),
        assistant_(assistant, pool_,
                   {context, static_cast<std::uint32_t>(pool_.threads()), choices}) {}

  /// Evaluates tokens behind those evaluated before.
  void evaluate(std::span<const Token> tokens) {
    for (std::size_t done = 0; done < tokens.size();) {
      const std::size_t rows = std::min<std::size_t>(kBatch, tokens.size() - done);
      forward_.run(tokens.subspan(done, rows), position_, cache_, nullptr);
      done += rows;
      position_ += static_cast<std::uint32_t>(rows);
      forward_.logits(static_cast<std::uint32_t>(rows) - 1, 1, nullptr);
    }
    hidden_.assign(forward_.hidden_row(0).begin(), forward_.hidden_row(0).end());
  }

  /// The first step of a round: from the last evaluated token's hidden row.
  bool start(Token token, const std::atomic<bool>* cancel = nullptr) {
    return assistant_.step(token, hidden_, position_, cache_, cancel);
  }
  /// The next step of the round.
  bool go_on(Token token, const std::atomic<bool>* cancel = nullptr) {
    return assistant_.step(token, assistant_.next_hidden(), position_, cache_, cancel);
  }

  /// All logits of the last step, with choices = vocabulary; -infinity for tokens it did not look
  /// at.
  std::vector<float> logits() const {
    std::vector<float> all(network_.config.vocabulary, -INFINITY);
    for (const DraftChoice& choice : assistant_.best())
      all[static_cast<std::size_t>(choice.token)] = choice.logit;
    return all;
  }

  const KvCache& cache() const { return cache_; }
  const Assistant& assistant() const { return assistant_; }
  std::span<const float> hidden() const { return hidden_; }
  std::span<const float> target_logits() const { return forward_.logits_row(0); }
  std::vector<float> next_hidden() const {
    return {assistant_.next_hidden().begin(), assistant_.next_hidden().end()};
  }

 private:
  static constexpr std::uint32_t kBatch = 64;

  WorkspaceShape shape(std::uint32_t context) const {
    return {kBatch, context, static_cast<std::uint32_t>(pool_.threads())};
  }

  Model model_;
  const Network& network_;
  WorkerPool& pool_;
  Workspace work_;
  KvCache cache_;
  Forward forward_;
  Assistant assistant_;
  std::uint32_t position_ = 0;
  std::vector<float> hidden_;
};

}  // namespace gemma4::test
