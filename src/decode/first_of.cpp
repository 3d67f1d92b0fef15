#include <utility>

#include "gemma4/drafter.hpp"

namespace gemma4 {
namespace {

class CountingSink final : public DraftSink {
 public:
  explicit CountingSink(DraftSink& sink) : sink_(sink) {}
  bool add(Token token, float confidence) override {
    any_ = true;
    return sink_.add(token, confidence);
  }
  bool any() const { return any_; }

 private:
  DraftSink& sink_;
  bool any_ = false;
};

}  // namespace

FirstOf::FirstOf(std::vector<std::shared_ptr<Drafter>> drafters) : drafters_(std::move(drafters)) {
  std::erase(drafters_, nullptr);
}

void FirstOf::propose(const DraftRequest& request, DraftSink& draft) {
  author_ = nullptr;
  for (const std::shared_ptr<Drafter>& drafter : drafters_) {
    CountingSink counting(draft);
    drafter->propose(request, counting);
    if (!counting.any()) continue;
    author_ = drafter.get();
    return;
  }
}

void FirstOf::verified(const DraftVerdict& verdict) {
  if (author_ != nullptr) author_->verified(verdict);
}

void FirstOf::rewound(std::uint32_t position) {
  for (const std::shared_ptr<Drafter>& drafter : drafters_) drafter->rewound(position);
}

}  // namespace gemma4
