// The library's draft steps against the exact ones and llama.cpp's.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "gemma4/gemma4.hpp"
#include "golden/golden_files.hpp"
#include "model/draft_session.hpp"
#include "reference/reference.hpp"

namespace gemma4 {
namespace {

using golden::DraftRun;
using golden::DraftStep;
using reference::Index;

constexpr std::uint32_t kVocabulary = 1536;

// README.md's tolerance for activations in Q8_0.
constexpr double kLogits = 0.25;

Model load_pair(ActivationType activations = ActivationType::int8) {
  LoadOptions options;
  options.activations = activations;
  options.assistant = golden::assistant_path();
  return Model::load(golden::target_path(), options);
}

double distance(const std::vector<float>& logits, const golden::Summary& expected) {
  double worst = std::fabs(*std::min_element(logits.begin(), logits.end()) - expected.minimum);
  for (const auto& [token, logit] : expected.top) {
    worst = std::max(worst, std::fabs(logits[static_cast<std::size_t>(token)] - logit));
  }
  return worst;
}

// ||found - exact|| / ||exact||
double relative(std::span<const float> found, const std::vector<double>& exact) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    difference += (found[i] - exact[i]) * (found[i] - exact[i]);
    size += exact[i] * exact[i];
  }
  return std::sqrt(difference / size);
}

struct Distances {
  double exact = 0, llama = 0, state = 0, hidden = 0;
  int steps = 0;
};

Distances follow(const Model& model, KvType kv) {
  Distances out;
  for (const DraftRun& run : golden::draft_runs()) {
    CAPTURE(run.name);
    test::DraftSession session(model, kv, kVocabulary);
    session.evaluate(std::span(run.ids).first(run.ids.size() - 1));
    out.hidden = std::max(out.hidden, relative(session.hidden(), run.hidden));
    for (const DraftStep& step : run.steps) {
      REQUIRE((&step == run.steps.data() ? session.start(step.token) : session.go_on(step.token)));
      REQUIRE(session.assistant().best().size() == kVocabulary);
      CHECK(session.assistant().best()[0].token == step.exact.top[0].first);
      const double probability = std::exp(step.exact.top[0].second - step.exact.log_sum_exp);
      CHECK(session.assistant().confidence() == doctest::Approx(probability).epsilon(0.1));
      out.exact = std::max(out.exact, distance(session.logits(), step.exact));
      out.llama = std::max(out.llama, distance(session.logits(), step.llama));
      out.state = std::max(out.state, relative(session.next_hidden(), step.state));
      ++out.steps;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("draft steps are as close to the exact ones as the goldens ask") {
  const Model model = load_pair();
  for (const auto& [kv, name] :
       {std::pair(KvType::f32, "f32"), {KvType::f16, "f16"}, {KvType::q8_0, "q8_0"}}) {
    const Distances d = follow(model, kv);
    MESSAGE("KV " << std::string(name) << ", " << d.steps << " steps: logits from exact " << d.exact
                  << ", from llama.cpp " << d.llama << "; state " << d.state << ", hidden row "
                  << d.hidden);
    CHECK(d.steps == 24);
    CHECK(d.exact < kLogits);
    CHECK(d.llama < kLogits);
    CHECK(d.state < 0.03);
    CHECK(d.hidden < 0.03);
  }
}

TEST_CASE("draft steps with activations of 16 bits come nearer") {
  const Distances d = follow(load_pair(ActivationType::int16), KvType::f32);
  MESSAGE("logits from exact " << d.exact << "; state " << d.state << ", hidden row " << d.hidden);
  CHECK(d.exact < 3e-3);
  CHECK(d.state < 3e-4);
  CHECK(d.hidden < 3e-4);
}

TEST_CASE("all logits of every draft step against the reference") {
  const Model model = load_pair();
  reference::Reference exact(golden::target_path(), golden::assistant_path());
  double worst = 0, sum = 0, count = 0;
  for (const DraftRun& run : golden::draft_runs()) {
    const std::span<const Token> before = std::span(run.ids).first(run.ids.size() - 1);
    test::DraftSession session(model, KvType::f32, kVocabulary);
    session.evaluate(before);
    exact.rewind(0);
    reference::Matrix state = exact.forward(before).hidden.bottomRows(1);
    for (const DraftStep& step : run.steps) {
      REQUIRE((&step == run.steps.data() ? session.start(step.token) : session.go_on(step.token)));
      const reference::Draft draft = exact.draft_step(step.token, state);
      state = draft.state;
      const std::vector<float> logits = session.logits();
      for (std::size_t i = 0; i < logits.size(); ++i) {
        const double difference = std::fabs(logits[i] - draft.logits(0, static_cast<Index>(i)));
        worst = std::max(worst, difference);
        sum += difference;
        ++count;
      }
    }
  }
  MESSAGE("largest distance " << worst << ", mean " << sum / count);
  CHECK(count == 24.0 * kVocabulary);
  CHECK(worst < kLogits);
  CHECK(sum / count < kLogits / 10);
}

}  // namespace gemma4
