// Drafters for tests: one that knows the continuation and can spoil it, and what they are told.
#pragma once

#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "gemma4/gemma4.hpp"

namespace gemma4::testing {

/// Knows the whole text. Each token is right with probability `right`, otherwise another one.
class OracleDrafter : public Drafter {
 public:
  explicit OracleDrafter(std::vector<Token> text, double right = 1.0, std::uint32_t seed = 1)
      : text_(std::move(text)), right_(right), random_(seed) {}

  void propose(const DraftRequest& request, DraftSink& draft) override {
    ++proposals;
    for (std::uint32_t i = 0; i < request.most; ++i) {
      const std::size_t position = request.position + i;
      if (position >= text_.size()) return;
      const bool right = std::uniform_real_distribution<>(0, 1)(random_) < right_;
      const Token other = (text_[position] + 1 + static_cast<Token>(random_() % 1000)) % 1536;
      if (!draft.add(right ? text_[position] : other)) return;
    }
  }
  void verified(const DraftVerdict& verdict) override {
    drafted += verdict.draft.size();
    accepted += verdict.accepted;
    rejected += verdict.rejected;
  }
  void rewound(std::uint32_t position) override { rewinds.push_back(position); }

  std::uint64_t proposals = 0, drafted = 0, accepted = 0, rejected = 0;
  std::vector<std::uint32_t> rewinds;

 private:
  std::vector<Token> text_;
  double right_;
  std::mt19937 random_;
};

/// Calls a function.
template <class Function>
class FunctionDrafter final : public Drafter {
 public:
  explicit FunctionDrafter(Function function) : function_(std::move(function)) {}
  void propose(const DraftRequest& request, DraftSink& draft) override {
    function_(request, draft);
  }

 private:
  Function function_;
};

template <class Function>
std::shared_ptr<Drafter> make_drafter(Function function) {
  return std::make_shared<FunctionDrafter<Function>>(std::move(function));
}

inline SessionOptions with(Speculation speculation, SessionOptions options) {
  options.speculation = std::move(speculation);
  return options;
}

}  // namespace gemma4::testing
