// The reference forward pass against an independent one in the same precision ("exact" in the
// golden files).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "golden/golden_files.hpp"
#include "io/gguf.hpp"
#include "reference/reference.hpp"
#include "text/tokenizer.hpp"

namespace gemma4 {
namespace {

using golden::Summary;
using reference::Index;
using reference::Matrix;
using reference::Reference;

// The files hold logits rounded to float or to six decimals; the two programs add in different
// orders.
constexpr double kTolerance = 2e-6;

double distance(const Matrix& row, const Summary& expected) {
  double worst = std::fabs(row.minCoeff() - expected.minimum);
  for (const auto& [token, logit] : expected.top)
    worst = std::max(worst, std::fabs(row(0, token) - logit));
  const double log_sum_exp = row.maxCoeff() + std::log((row.array() - row.maxCoeff()).exp().sum());
  return std::max(worst, std::fabs(log_sum_exp - expected.log_sum_exp));
}

bool best_tokens_equal(const Matrix& row, const Summary& expected) {
  Index best = 0;
  row.row(0).maxCoeff(&best);
  return best == expected.top[0].first;
}

}  // namespace

TEST_CASE("the reference's logits are the exact ones at every recorded position") {
  Reference model(golden::target_path());
  double worst = 0;
  for (const golden::LogitPrompt& prompt : golden::logit_prompts()) {
    CAPTURE(prompt.name);
    model.rewind(0);
    const Matrix logits = model.forward(prompt.ids).logits;
    REQUIRE(prompt.positions.size() == prompt.full.size());
    for (std::size_t i = 0; i < prompt.positions.size(); ++i) {
      const Matrix row = logits.row(static_cast<Index>(prompt.positions[i]));
      REQUIRE(row.cols() == static_cast<Index>(prompt.full[i].size()));
      double row_worst = distance(row, prompt.exact[i]);
      for (Index t = 0; t < row.cols(); ++t) {
        row_worst = std::max(
            row_worst, std::fabs(row(0, t) -
                                 static_cast<double>(prompt.full[i][static_cast<std::size_t>(t)])));
      }
      CHECK(row_worst < kTolerance);
      CHECK(best_tokens_equal(row, prompt.exact[i]));
      CHECK(row.sum() == doctest::Approx(prompt.exact[i].sum).epsilon(1e-9));
      CHECK(row.squaredNorm() == doctest::Approx(prompt.exact[i].sum_of_squares).epsilon(1e-9));
      worst = std::max(worst, row_worst);
    }
  }
  MESSAGE("largest distance: " << worst);
}

TEST_CASE("tokens one by one give the rows of all at once") {
  Reference whole(golden::target_path()), stepwise(golden::target_path());
  const auto prompts = golden::logit_prompts();
  const std::vector<Token>& ids = prompts[4].ids;  // longer than two windows
  REQUIRE(ids.size() > 128);
  const reference::Rows expected = whole.forward(ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const reference::Rows row = stepwise.forward(std::span(&ids[i], 1));
    const Index r = static_cast<Index>(i);
    REQUIRE((row.logits - expected.logits.row(r)).cwiseAbs().maxCoeff() < 1e-9);
    REQUIRE((row.hidden - expected.hidden.row(r)).cwiseAbs().maxCoeff() < 1e-9);
  }
}

TEST_CASE("the reference's perplexity is the exact one, document by document") {
  Reference model(golden::target_path());
  const Checkpoint file = open_gguf(golden::target_path());
  const auto tokenizer = Tokenizer::Impl::from_metadata(file.metadata);
  const golden::Perplexity expected = golden::perplexity("exact");
  const std::vector<std::string> documents = golden::held_out_documents();
  REQUIRE(documents.size() == expected.documents.size());
  double sum = 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    CAPTURE(i);
    std::vector<Token> ids = {tokenizer->special_ids().bos};
    tokenizer->encode(documents[i], SpecialTokens::all, ids);
    REQUIRE(ids.size() == expected.documents[i].first + 1);
    model.rewind(0);
    const double nll = reference::negative_log_likelihood(model.forward(ids).logits, ids);
    CHECK(nll == doctest::Approx(expected.documents[i].second).epsilon(1e-9));
    sum += nll;
  }
  CHECK(std::exp(sum / expected.tokens) == doctest::Approx(expected.perplexity).epsilon(1e-9));
}

TEST_CASE("the reference's draft steps are the exact ones") {
  Reference model(golden::target_path(), golden::assistant_path());
  double worst = 0;
  for (const golden::DraftRun& run : golden::draft_runs()) {
    CAPTURE(run.name);
    model.rewind(0);
    const Matrix hidden = model.forward(std::span(run.ids).first(run.ids.size() - 1)).hidden;
    Matrix state = hidden.bottomRows(1);
    for (std::size_t i = 0; i < run.hidden.size(); ++i) {
      worst = std::max(worst, std::fabs(state(0, static_cast<Index>(i)) - run.hidden[i]));
    }
    for (const golden::DraftStep& step : run.steps) {
      const reference::Draft draft = model.draft_step(step.token, state);
      worst = std::max(worst, distance(draft.logits, step.exact));
      CHECK(best_tokens_equal(draft.logits, step.exact));
      CHECK(draft.logits.sum() == doctest::Approx(step.exact.sum).epsilon(1e-9));
      state = draft.state;
      for (std::size_t i = 0; i < step.state.size(); ++i) {
        worst = std::max(worst, std::fabs(state(0, static_cast<Index>(i)) - step.state[i]));
      }
    }
  }
  CHECK(worst < kTolerance);
  MESSAGE("largest distance: " << worst);
}

}  // namespace gemma4
