// The assistant as a drafter, on the tiny pair: what it proposes and when it stops.
#include "decode/mtp_drafter.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "model/draft_session.hpp"
#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

/// Keeps a draft, and calls a function after each token.
struct Kept final : DraftSink {
  bool add(Token token, float confidence) override {
    tokens.push_back(token);
    confidences.push_back(confidence);
    if (after) after();
    return tokens.size() < most;
  }
  std::size_t most = kMostDrafts;
  std::function<void()> after;
  std::vector<Token> tokens;
  std::vector<float> confidences;
};

/// A drafter beside the state that it drafts from.
class Drafts {
 public:
  explicit Drafts(const Model& model) : model_(model), session_(model, KvType::f16, 1, 1024) {
    state_.cache = &session_.cache();
  }

  /// The state after tokens of which the last has not been evaluated.
  void go_to(std::span<const Token> tokens) {
    if (tokens.size() - 1 > evaluated_)
      session_.evaluate(tokens.subspan(evaluated_, tokens.size() - 1 - evaluated_));
    evaluated_ = tokens.size() - 1;
    tokens_ = tokens;
    state_.hidden = session_.hidden();
  }
  void forget_hidden() { state_.hidden = {}; }

  void propose(const SamplingOptions& sampling, Kept& kept, std::uint32_t most = kMostDrafts) {
    drafter_.propose({tokens_, sampling, static_cast<std::uint32_t>(tokens_.size()), most}, kept);
  }
  std::vector<Token> propose(const SamplingOptions& sampling, std::uint32_t most = kMostDrafts) {
    Kept kept;
    propose(sampling, kept, most);
    return kept.tokens;
  }

  std::atomic<bool> cancel{false};

 private:
  Model model_;
  test::DraftSession session_;
  TargetState state_;
  MtpDrafter drafter_{*model_.impl()->assistant, *model_.impl()->pool,
                      AssistantShape{1024, 2, kDraftChoices}, state_, cancel};
  std::span<const Token> tokens_;
  std::size_t evaluated_ = 0;
};

std::vector<Token> story(const Model& model, const SamplingOptions& sampling,
                         std::uint32_t length) {
  SessionOptions options = session_options();
  options.speculation = Speculation::off();
  Session session(model, options);
  session.append_text("Once upon a time");
  while (session.position() < length) {
    if (model.tokenizer().is_end_of_generation(session.decode_step(sampling))) break;
  }
  return tokens_of(session);
}

/// How often the model chooses what is drafted, by place: drafts begin at every position of a text.
struct Acceptance {
  std::array<std::uint32_t, 4> offered{}, accepted{};
  void add(std::span<const Token> draft, std::span<const Token> text) {
    for (std::size_t i = 0; i < draft.size() && i < text.size(); ++i) {
      ++offered[i];
      if (draft[i] != text[i]) return;
      ++accepted[i];
    }
  }
  double first() const { return double(accepted[0]) / offered[0]; }
  double tokens() const {  // of a draft, on average
    double sum = 0;
    for (const std::uint32_t count : accepted) sum += count;
    return sum / offered[0];
  }
};

struct Compared {
  Acceptance coupled, greedy;
};

Compared compare(const Model& model, SamplingOptions sampling) {
  Compared out;
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 10u}) {
    sampling.seed = seed;
    const std::vector<Token> text = story(model, sampling, 160);
    SamplingOptions greedy = sampling;
    greedy.temperature = 0;
    Drafts drafts(model);
    for (std::size_t at = 8; at + 4 < text.size(); ++at) {
      drafts.go_to(std::span(text).first(at));
      const auto next = std::span(text).subspan(at);
      out.coupled.add(drafts.propose(sampling, 4), next);
      out.greedy.add(drafts.propose(greedy, 4), next);
    }
  }
  return out;
}

}  // namespace

TEST_CASE(
    "drafts drawn with the model's own numbers are accepted more often than the best tokens") {
  const Model model = load_tiny_pair(2);
  SamplingOptions pure;
  pure.temperature = 1.0f;
  SamplingOptions cut = pure;
  cut.top_k = 64;
  cut.top_p = 0.95f;
  SamplingOptions mild = cut;
  mild.temperature = 0.7f;
  for (const SamplingOptions& sampling : {pure, cut, mild}) {
    const Compared found = compare(model, sampling);
    MESSAGE("temperature " << sampling.temperature << ", top_p " << sampling.top_p
                           << ": first tokens accepted, drawn " << found.coupled.first()
                           << ", best " << found.greedy.first() << "; tokens of a draft of 4 "
                           << found.coupled.tokens() << ", " << found.greedy.tokens() << " ("
                           << found.coupled.offered[0] << " drafts)");
    CHECK(found.coupled.offered[0] > 500);
    CHECK(found.coupled.first() > found.greedy.first() + 0.05);
    CHECK(found.coupled.tokens() > found.greedy.tokens() + 0.3);
  }
}

TEST_CASE("the assistant drafts nothing without a hidden row, and nothing forbidden") {
  const Model model = load_tiny_pair(2);
  const std::vector<Token> text = story(model, {}, 60);
  Drafts drafts(model);
  drafts.go_to(std::span(text).first(40));
  const std::vector<Token> free = drafts.propose({});
  REQUIRE(free.size() == kMostDrafts);
  CHECK(drafts.propose({}, 3) == std::vector<Token>(free.begin(), free.begin() + 3));
  SamplingOptions sampling;
  sampling.suppress = {free[0]};
  for (const float temperature : {0.0f, 1.0f}) {
    sampling.temperature = temperature;
    for (const Token token : drafts.propose(sampling)) CHECK(token != free[0]);
  }
  drafts.forget_hidden();
  CHECK(drafts.propose({}).empty());
}

TEST_CASE(
    "a cancel ends a draft after any of its tokens, and the next one is as if there was none") {
  const Model model = load_tiny_pair(2);
  SamplingOptions sampled;
  sampled.temperature = 1.0f;
  const std::vector<Token> text = story(model, {}, 60);
  Drafts drafts(model);
  drafts.go_to(std::span(text).first(40));
  for (const SamplingOptions& sampling : {SamplingOptions{}, sampled}) {
    const std::vector<Token> whole = drafts.propose(sampling);
    REQUIRE(whole.size() == kMostDrafts);
    for (std::size_t at = 1; at <= whole.size(); ++at) {
      CAPTURE(at);
      Kept kept;
      kept.after = [&] { drafts.cancel = kept.tokens.size() == at; };
      drafts.propose(sampling, kept);
      CHECK(kept.tokens ==
            std::vector<Token>(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at)));
      drafts.cancel = true;
      CHECK(drafts.propose(sampling).empty());
      drafts.cancel = false;
      CHECK(drafts.propose(sampling) == whole);
    }
  }
}

}  // namespace gemma4
