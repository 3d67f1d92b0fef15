#include <algorithm>
#include <array>

#include "decode/ngram_index.hpp"
#include "gemma4/drafter.hpp"

namespace gemma4 {
namespace {

/// How often a continuation was right: decayed counts that begin with an opinion.
class Trust {
 public:
  void expect(float share) { right_ = share * seen_; }
  void observe(bool right) {
    seen_ = seen_ * kDecay + 1.0f;
    right_ = right_ * kDecay + (right ? 1.0f : 0.0f);
  }
  float share() const { return right_ / seen_; }

 private:
  static constexpr float kDecay = 0.97f;  // forgets half of what it saw in 23 observations
  float seen_ = 4.0f, right_ = 0.0f;
};

/// Lengths 2, 3, 4, 5-6, 7-9, 10 and more.
constexpr std::size_t kClasses = 6;
std::size_t class_of(std::uint32_t length) {
  constexpr std::uint32_t kFirst[kClasses] = {2, 3, 4, 5, 7, 10};
  std::size_t found = kClasses - 1;
  while (found > 0 && length < kFirst[found]) --found;
  return found;
}

/// What is believed of each class before anything was seen: matches that do not agree on what
/// follows, and those that do.
constexpr float kOpinion[2][kClasses] = {{0.20f, 0.30f, 0.40f, 0.45f, 0.50f, 0.55f},
                                         {0.30f, 0.45f, 0.55f, 0.65f, 0.75f, 0.85f}};

}  // namespace

struct NgramDrafter::Impl {
  Impl(std::uint32_t context, float least, const AllocatorPtr& allocator)
      : index(context, allocator), least_confidence(least) {
    for (std::size_t agreed = 0; agreed < 2; ++agreed) {
      for (std::size_t c = 0; c < kClasses; ++c) trust[agreed][c].expect(kOpinion[agreed][c]);
    }
  }

  /// Every token that is copied makes the match one longer; only the first may be disputed.
  Trust& trust_of(std::uint32_t i) {
    return trust[match.unanimous || i > 0][class_of(match.length + i)];
  }

  void learn(std::span<const Token> tokens);
  void predict(std::span<const Token> tokens);

  NgramIndex index;
  float least_confidence;
  std::array<std::array<Trust, kClasses>, 2> trust;
  // the latest prediction, whether it was proposed or not: what came instead is seen next time
  NgramMatch match;
  std::uint32_t position = 0;  // of guess[0]
  std::array<Token, kMostDrafts> guess{};
};

void NgramDrafter::Impl::learn(std::span<const Token> tokens) {
  if (match.length == 0) return;
  for (std::uint32_t i = 0; i < kMostDrafts && position + i < tokens.size(); ++i) {
    const bool right = tokens[position + i] == guess[i];
    trust_of(i).observe(right);
    if (!right) return;
  }
}

void NgramDrafter::Impl::predict(std::span<const Token> tokens) {
  const std::uint32_t size = static_cast<std::uint32_t>(tokens.size());
  const std::uint32_t hint = match.length > 0 ? match.source + (size - position) : 0;
  match = index.find(tokens, hint);
  position = size;
  if (match.length == 0) return;
  for (std::uint32_t i = 0; i < kMostDrafts; ++i) {
    const std::uint32_t from = match.source + i;  // past the end the text repeats itself
    guess[i] = from < size ? tokens[from] : guess[from - size];
  }
}

NgramDrafter::NgramDrafter(std::uint32_t context_tokens, float least_confidence,
                           const std::shared_ptr<Allocator>& allocator)
    : impl_(std::make_unique<Impl>(context_tokens, least_confidence, allocator)) {}
NgramDrafter::~NgramDrafter() = default;
NgramDrafter::NgramDrafter(NgramDrafter&&) noexcept = default;
NgramDrafter& NgramDrafter::operator=(NgramDrafter&&) noexcept = default;

std::uint64_t NgramDrafter::bytes(std::uint32_t context_tokens) {
  return NgramIndex::bytes(context_tokens);
}

void NgramDrafter::propose(const DraftRequest& request, DraftSink& draft) {
  Impl& impl = *impl_;
  // a context that lost tokens without a word would make nonsense of what is remembered
  if (request.tokens.size() < impl.position)
    rewound(static_cast<std::uint32_t>(request.tokens.size()));
  impl.learn(request.tokens);
  impl.index.update(request.tokens);
  impl.predict(request.tokens);
  if (impl.match.length == 0) return;
  const std::uint32_t most = std::min(request.most, kMostDrafts);
  for (std::uint32_t i = 0; i < most; ++i) {
    const float confidence = impl.trust_of(i).share();
    if (confidence < impl.least_confidence || !draft.add(impl.guess[i], confidence)) return;
  }
}

void NgramDrafter::rewound(std::uint32_t position) {
  if (position >= impl_->position) return;  // nothing of what was taken is gone
  impl_->index.rewound();
  impl_->match = {};
  impl_->position = 0;
}

}  // namespace gemma4
