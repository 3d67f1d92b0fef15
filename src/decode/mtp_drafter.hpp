// The assistant as a drafter.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "decode/candidates.hpp"
#include "decode/target_state.hpp"
#include "gemma4/drafter.hpp"
#include "model/assistant.hpp"

namespace gemma4 {

/// Continues from the model's state: each step guesses one token and the state for the next. At
/// temperature 0 a guess is the assistant's best token. Otherwise it is drawn from the assistant's
/// distribution with the very numbers that the model's token will be drawn with, which makes equal
/// choices as likely as can be (drafter-invariant speculative decoding, Daliri et al. 2024).
/// Neither allocates nor throws.
class MtpDrafter final : public Drafter {
 public:
  /// `state` is the session's, `cancel` its flag. All must outlive the drafter.
  MtpDrafter(const AssistantNetwork& network, WorkerPool& pool, const AssistantShape& shape,
             const TargetState& state, const std::atomic<bool>& cancel,
             const AllocatorPtr& allocator = nullptr)
      : assistant_(network, pool, shape, allocator), state_(state), cancel_(cancel) {}

  void propose(const DraftRequest& request, DraftSink& draft) override;

 private:
  struct Guess {
    Token token;
    float confidence;
  };
  Guess choose(const DraftRequest& request, std::uint32_t drafted);
  std::size_t gather(const DraftRequest& request, std::uint32_t drafted);
  float penalised(const DraftRequest& request, std::uint32_t drafted, const DraftChoice& choice);

  Assistant assistant_;
  const TargetState& state_;
  const std::atomic<bool>& cancel_;
  std::array<Token, kMostDrafts> tokens_{};
  std::array<Candidate, kDraftChoices> candidates_{};
};

}  // namespace gemma4
