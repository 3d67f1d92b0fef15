// Greedy drafting with the assistant: what is offered and accepted, against llama.cpp's counts.
#include <doctest/doctest.h>

#include <cmath>

#include "gemma4/gemma4.hpp"
#include "golden/golden_files.hpp"

namespace gemma4 {
namespace {

using golden::DraftCounts;
using golden::SpeculativeRun;

// Both programs round activations to 8 bits, each in its own way. Where the two best tokens of a
// draft step nearly tie they draft different ones, and from there on the rounds lie differently: a
// run moves by a round or two, and the sum over all runs hardly. A round more is n drafted tokens
// more.
constexpr std::uint64_t kRounds = 3;  // of one run, and tokens at one place in the draft
constexpr double kShare = 0.03;       // of the sum

SessionOptions options_of(const Speculation& speculation) {
  SessionOptions options;
  options.context_tokens = 2048;
  options.kv = KvType::f32;
  options.speculation = speculation;
  return options;
}

/// A session where the first round drafts from the prompt's last token, as in the golden runs: the
/// prompt without it is evaluated, and its last row is there.
Session session_of(const Model& model, const SpeculativeRun& run, const Speculation& speculation) {
  Session session(model, options_of(speculation));
  const std::span<const Token> ids = run.ids;
  session.append_tokens(ids.first(ids.size() - 1));
  (void)session.logits();
  session.append_tokens(ids.last(1));
  return session;
}

std::vector<Token> answer_of(const Session& session, const SpeculativeRun& run) {
  const auto begin = session.tokens().begin() + static_cast<std::ptrdiff_t>(run.ids.size());
  return {begin, begin + static_cast<std::ptrdiff_t>(run.greedy.size())};
}

/// Decodes the golden run's tokens and counts its rounds. A round whose tokens go beyond the end of
/// the turn counts whole, so these sessions go on until the next round would begin.
Statistics decode(Session& session, const SpeculativeRun& run) {
  if (!session.model().tokenizer().is_end_of_generation(run.greedy.back())) {
    GenerateOptions options;
    options.max_tokens = static_cast<std::uint32_t>(run.greedy.size());
    options.ignore_end_of_generation = true;
    for (const Event& event : session.generate(options)) (void)event;
    return session.statistics();
  }
  for (std::size_t i = 0; i < run.greedy.size(); ++i) (void)session.decode_step();
  for (;;) {
    const Statistics before = session.statistics();
    (void)session.decode_step();
    if (session.statistics().target_steps > before.target_steps) return before;
  }
}

std::uint64_t distance(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

DraftCounts counts_of(const Statistics& s, std::size_t n) {
  DraftCounts counts{s.drafted, s.accepted, s.target_steps, {}, {}};
  counts.offered_at.assign(s.offered_at.begin(),
                           s.offered_at.begin() + static_cast<std::ptrdiff_t>(n));
  counts.accepted_at.assign(s.accepted_at.begin(),
                            s.accepted_at.begin() + static_cast<std::ptrdiff_t>(n));
  return counts;
}

void check_run(const DraftCounts& found, const DraftCounts& expected, std::size_t n) {
  CHECK(distance(found.rounds, expected.rounds) <= kRounds);
  CHECK(distance(found.drafted, expected.drafted) <= kRounds * n);
  CHECK(distance(found.accepted, expected.accepted) <= kRounds);  // tokens are rounds and accepted
  REQUIRE(expected.offered_at.size() == n);
  for (std::size_t i = 0; i < n; ++i) {
    CAPTURE(i);
    CHECK(distance(found.offered_at[i], expected.offered_at[i]) <= kRounds);
    CHECK(distance(found.accepted_at[i], expected.accepted_at[i]) <= kRounds);
  }
}

bool near(std::uint64_t found, std::uint64_t expected) {
  return std::fabs(double(found) / double(expected) - 1) <= kShare;
}

void add(DraftCounts& total, const DraftCounts& run) {
  total.drafted += run.drafted;
  total.accepted += run.accepted;
  total.rounds += run.rounds;
  total.offered_at.resize(run.offered_at.size());
  total.accepted_at.resize(run.offered_at.size());
  for (std::size_t i = 0; i < run.offered_at.size(); ++i) {
    total.offered_at[i] += run.offered_at[i];
    total.accepted_at[i] += run.accepted_at[i];
  }
}

bool operator==(const DraftCounts& a, const DraftCounts& b) {
  return a.drafted == b.drafted && a.accepted == b.accepted && a.rounds == b.rounds &&
         a.offered_at == b.offered_at && a.accepted_at == b.accepted_at;
}

}  // namespace

TEST_CASE("greedy drafts are offered and accepted as often as llama.cpp's, place by place") {
  LoadOptions load;
  load.assistant = golden::assistant_path();
  const Model model = Model::load(golden::target_path(), load);
  const std::vector<SpeculativeRun> runs = golden::speculative_runs();
  CHECK(runs.size() == 10);
  std::vector<std::vector<Token>> plain;
  for (const SpeculativeRun& run : runs) {
    Session session = session_of(model, run, Speculation::off());
    (void)decode(session, run);
    plain.push_back(answer_of(session, run));
  }
  // the goldens have drafts of 8 tokens too: longer than ours
  for (const std::uint32_t n : {1u, 2u, 3u, 4u, 5u, 6u}) {
    CAPTURE(n);
    DraftCounts total, expected_total;
    int equal = 0, compared = 0;
    for (const SpeculativeRun& run : runs) {
      CAPTURE(run.name);
      Session session = session_of(model, run, Speculation::fixed(n).by(DrafterKind::mtp));
      const DraftCounts found = counts_of(decode(session, run), n);
      CHECK(answer_of(session, run) == plain[static_cast<std::size_t>(&run - runs.data())]);
      // another text's counts mean nothing: one prompt's fourth token is chosen by a lead of 0.001
      if (answer_of(session, run) != run.greedy) continue;
      ++compared;
      const DraftCounts& expected = run.counts.at(n);
      check_run(found, expected, n);
      equal += found == expected;
      add(total, found);
      add(expected_total, expected);
    }
    MESSAGE("drafts of " << n << ": " << total.accepted << " of " << total.drafted << " in "
                         << total.rounds << " rounds (llama.cpp " << expected_total.accepted
                         << " of " << expected_total.drafted << " in " << expected_total.rounds
                         << "), " << equal << " of " << compared << " runs equal");
    CHECK(compared >= 9);
    CHECK(near(total.drafted, expected_total.drafted));
    CHECK(near(total.accepted, expected_total.accepted));
    CHECK(near(total.rounds, expected_total.rounds));
    for (std::size_t i = 0; i < n; ++i) {
      CAPTURE(i);
      CHECK(near(total.offered_at[i], expected_total.offered_at[i]));
      CHECK(near(total.accepted_at[i], expected_total.accepted_at[i]));
    }
  }
}

}  // namespace gemma4
