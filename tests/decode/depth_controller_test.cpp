// The depth controller against machines and texts that are known: simulated costs, simulated
// acceptance, no clock.
#include "decode/depth_controller.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace gemma4::test {
namespace {

/// Times in units of T(1).
struct Machine {
  const char* name;
  std::array<double, 8> pass;  // T(1) ... T(8)
  double draft;                // a token
  double noise = 0.0;          // relative, uniform
  double pauses = 0.0;         // probability that a pass takes five times as long
  double turns = 0.0;          // probability that the machine becomes slower, or fast again
};
constexpr double kSlow = 1.5;  // what takes one then takes this much

const std::vector<Machine> kMachines = {
    {"memory-bound, cheap drafts", {1, 1.05, 1.1, 1.25, 1.5, 1.8, 2.1, 2.4}, 0.02},
    {"memory-bound, dear drafts", {1, 1.05, 1.1, 1.25, 1.5, 1.8, 2.1, 2.4}, 0.07},
    {"nearly free rows", {1, 1.02, 1.04, 1.06, 1.08, 1.1, 1.12, 1.14}, 0.045},
    {"compute-bound", {1, 1.8, 2.6, 2.9, 3.2, 3.5, 3.8, 4.1}, 0.045},
    {"a step at five rows", {1, 1.1, 1.2, 1.3, 2.3, 2.4, 2.5, 2.6}, 0.03},
    {"linear", {1, 2, 3, 4, 5, 6, 7, 8}, 0.03},
};

// The 12B as docs/performance.md measured it; what lies between is drawn straight.
const std::vector<Machine> kMeasured = {
    {"12B, AVX2, weights at 38 GB/s", {1, 1.07, 1.08, 1.25, 1.48, 1.72, 1.95, 2.19}, 0.045},
    {"12B, AVX2, weights at 75 GB/s", {1, 1.25, 1.7, 2.12, 2.53, 2.94, 3.35, 3.76}, 0.048},
    {"12B, AVX-512-VNNI", {1, 1.03, 1.15, 1.25, 1.45, 1.65, 1.8, 2.0}, 0.047},
    {"12B, AVX-512-VNNI, again", {1, 0.97, 1.12, 1.14, 1.30, 1.48, 1.70, 1.91}, 0.047},
    {"12B, AVX2, weights at 40 GB/s", {1, 0.97, 1.09, 1.33, 1.6, 1.9, 2.2, 2.47}, 0.05},
    {"12B, AVX-512-VNNI, the head sketched", {1, 1.06, 1.2, 1.4, 1.6, 1.8, 2.03, 2.26}, 0.025},
    {"12B, AVX2, the head sketched", {1, 1.33, 1.75, 2.12, 2.55, 2.98, 3.4, 3.83}, 0.033},
};

struct Result {
  double tokens = 0, time = 0;
  std::array<std::uint64_t, 8> depths{};
  double rate() const { return tokens / time; }
};

/// One drafted token: whether it is right, and what the drafter says.
struct Draw {
  bool right;
  float confidence = kUnknownConfidence;
};
using Text = std::function<Draw(std::mt19937&)>;

Text independent(double acceptance) {
  return [=](std::mt19937& random) {
    return Draw{std::uniform_real_distribution<>(0, 1)(random) < acceptance};
  };
}

class Simulation {
 public:
  Simulation(const Machine& machine, std::uint32_t seed) : machine_(machine), random_(seed) {}

  void change(const Machine& machine) { machine_ = machine; }

  Result run(const Text& text, double tokens) {
    Result result;
    while (result.tokens < tokens) round(text, result);
    return result;
  }

 private:
  double jitter() {
    const double noise = std::uniform_real_distribution<>(-1, 1)(random_) * machine_.noise;
    const bool pause = std::uniform_real_distribution<>(0, 1)(random_) < machine_.pauses;
    return (1 + noise) * (pause ? 5.0 : 1.0) * (slow_ ? kSlow : 1.0);
  }
  static std::uint64_t ns(double time) { return static_cast<std::uint64_t>(time * 1e8); }

  // What the controller is told was measured; what counts in the result is not disturbed.
  void round(const Text& text, Result& result) {
    if (machine_.turns > 0 && std::uniform_real_distribution<>(0, 1)(random_) < machine_.turns)
      slow_ = !slow_;
    std::vector<bool> right;
    const std::uint32_t most = controller_.plan(kMostDrafts);
    if (most > 0) {
      bool more = true;
      while (more && right.size() < most) {
        const Draw draw = text(random_);
        right.push_back(draw.right);
        more = controller_.drafted(draw.confidence);
      }
      const double time = machine_.draft * static_cast<double>(right.size());
      controller_.draft_took(static_cast<std::uint32_t>(right.size()), ns(time * jitter()));
      result.time += time;
    }
    const std::uint32_t depth = controller_.settle();
    REQUIRE(depth <= right.size());
    controller_.pass_took(depth + 1, ns(machine_.pass[depth] * jitter()));
    result.time += machine_.pass[depth];
    ++result.depths[depth];
    std::uint32_t accepted = 0;
    while (accepted < depth && right[accepted]) ++accepted;
    controller_.judged(accepted, accepted < depth);
    result.tokens += accepted + 1;
  }

  Machine machine_;
  std::mt19937 random_;
  bool slow_ = false;
  DepthController controller_;
};

double fixed_rate(const Machine& machine, double acceptance, std::uint32_t k) {
  double tokens = 1, reach = 1;
  for (std::uint32_t i = 0; i < k; ++i) tokens += reach *= acceptance;
  return tokens / (machine.pass[k] + k * machine.draft);
}

double best_fixed_rate(const Machine& machine, double acceptance) {
  double best = 0;
  for (std::uint32_t k = 0; k <= kMostDrafts; ++k)
    best = std::max(best, fixed_rate(machine, acceptance, k));
  return best;
}

}  // namespace

TEST_CASE("the depth comes within 5 % of the best fixed one") {
  for (Machine machine : kMachines) {
    CAPTURE(std::string(machine.name));
    for (const double noise : {0.0, 0.1}) {
      machine.noise = noise;
      machine.pauses = noise / 10;
      for (const double acceptance : {0.3, 0.5, 0.7, 0.8, 0.9, 0.97, 1.0}) {
        CAPTURE(acceptance);
        CAPTURE(noise);
        const double best = best_fixed_rate(machine, acceptance);
        double sum = 0;
        for (const std::uint32_t seed : {1u, 2u, 3u, 4u}) {
          Simulation simulation(machine, seed);
          const Result start = simulation.run(independent(acceptance), 500);
          CHECK(start.rate() > 0.75 * best);
          sum += simulation.run(independent(acceptance), 2000).rate() / best;
        }
        CHECK(sum / 4 > 0.95);
      }
    }
  }
}

TEST_CASE("the depth comes close to the best fixed one at the 12B's costs, soon and later") {
  for (Machine machine : kMeasured) {
    CAPTURE(std::string(machine.name));
    machine.noise = 0.1;
    machine.pauses = 0.02;
    for (const double turns : {0.0, 0.03}) {
      CAPTURE(turns);
      machine.turns = turns;
      for (const double acceptance : {0.5, 0.6, 0.7, 0.8, 0.9, 1.0}) {
        CAPTURE(acceptance);
        const double best = best_fixed_rate(machine, acceptance);
        double soon = 0, later = 0;
        for (std::uint32_t seed = 1; seed <= 10; ++seed) {
          Simulation simulation(machine, seed);
          soon += simulation.run(independent(acceptance), 100).rate() / best / 10;
          later += simulation.run(independent(acceptance), 2000).rate() / best / 10;
        }
        CHECK(soon > 0.9);
        CHECK(later > 0.95);
      }
    }
  }
}

TEST_CASE("answers of 100 tokens and more come close, what is learned in them included") {
  for (Machine machine : kMeasured) {
    CAPTURE(std::string(machine.name));
    machine.noise = 0.05;
    machine.pauses = 0.01;
    for (const double tokens : {100.0, 400.0}) {
      CAPTURE(tokens);
      for (const double acceptance : {0.0, 0.5, 0.7, 0.9}) {
        CAPTURE(acceptance);
        const double best = best_fixed_rate(machine, acceptance);
        std::vector<double> rates;
        for (std::uint32_t seed = 1; seed <= 100; ++seed) {
          rates.push_back(Simulation(machine, seed).run(independent(acceptance), tokens).rate());
        }
        std::sort(rates.begin(), rates.end());
        // at 0.9 a plain step and a single token, with which it begins, take 3 % of 100 tokens
        const bool short_and_good = tokens == 100.0 && acceptance == 0.9;
        CHECK(rates[50] > (acceptance == 0 ? 0.98 : short_and_good ? 0.93 : 0.95) * best);
        CHECK(rates[5] > (acceptance == 0 ? 0.96 : 0.78) * best);  // texts differ in luck too
      }
    }
  }
}

TEST_CASE("one bad draft at the beginning does not end drafting") {
  Machine machine = kMeasured[1];
  const Text unlucky = [first = true](std::mt19937&) mutable {
    return Draw{!std::exchange(first, false)};
  };
  const Result result = Simulation(machine, 12).run(unlucky, 60);
  CHECK(result.depths[0] < 10);
  CHECK(result.rate() > 0.85 * best_fixed_rate(machine, 1.0));
}

TEST_CASE("the balance bears what is lost, however dear drafts are") {
  // the assistant as dear as a model, and rows that cost almost what steps do
  const Machine hopeless = {"hopeless", {1, 1.68, 2.2, 2.9, 3.5, 4.2, 4.8, 5.4}, 0.75};
  for (Machine machine : {hopeless, kMachines[3], kMachines[5], kMeasured[1]}) {
    CAPTURE(std::string(machine.name));
    machine.pauses = 0.01;
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
      const Result result = Simulation(machine, seed).run(independent(0.0), 100);
      CHECK(result.time - result.tokens < 2.2);  // plain steps: what it begins with, and 1 %
    }
  }
}

TEST_CASE("a disturbed machine does not make drafts look cheap that are never right") {
  for (const std::vector<Machine>& machines : {kMachines, kMeasured}) {
    for (Machine machine : machines) {
      CAPTURE(std::string(machine.name));
      machine.noise = 0.1;
      machine.pauses = 0.03;
      for (const double turns : {0.0, 0.03}) {
        CAPTURE(turns);
        machine.turns = turns;
        for (std::uint32_t seed = 1; seed <= 10; ++seed) {
          CAPTURE(seed);
          Simulation simulation(machine, seed);
          (void)simulation.run(independent(0.0), 200);
          CHECK(simulation.run(independent(0.0), 3000).rate() > 0.98);
        }
      }
    }
  }
}

TEST_CASE("where nothing is accepted at most 2 % are lost, and few steps at the beginning") {
  for (Machine machine : kMachines) {
    CAPTURE(std::string(machine.name));
    for (const double noise : {0.0, 0.1}) {
      machine.noise = noise;
      Simulation simulation(machine, 5);
      const Result start = simulation.run(independent(0.0), 100);
      CHECK(start.time - start.tokens < 5.0);  // in plain steps
      const Result later = simulation.run(independent(0.0), 5000);
      CHECK(later.rate() > 0.98);
      CHECK(later.depths[0] > 4600);
      CHECK(later.depths[1] > 20);  // it goes on trying
    }
  }
}

TEST_CASE("drafts that rarely pay cost no more than 2 %") {
  for (const Machine& machine : kMachines) {
    CAPTURE(std::string(machine.name));
    for (const double acceptance : {0.02, 0.1, 0.2, 0.5, 0.7}) {
      CAPTURE(acceptance);
      Simulation simulation(machine, 6);
      (void)simulation.run(independent(acceptance), 300);
      CHECK(simulation.run(independent(acceptance), 5000).rate() > 0.98);
    }
  }
}

TEST_CASE("short answers lose little where drafts cannot pay") {
  for (const Machine& machine : {kMachines[3], kMachines[5]}) {
    CAPTURE(std::string(machine.name));
    for (const double acceptance : {0.0, 0.3, 0.6}) {
      CAPTURE(acceptance);
      double lost = 0;  // plain steps
      for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        const Result result = Simulation(machine, seed).run(independent(acceptance), 200);
        lost += (result.time - result.tokens) / 20;
      }
      CHECK(lost < 7.0);
    }
  }
}

TEST_CASE("the depth follows a text that changes") {
  for (const std::size_t which : {0u, 2u, 4u}) {
    const Machine& machine = kMachines[which];
    CAPTURE(std::string(machine.name));
    Simulation simulation(machine, 7);
    (void)simulation.run(independent(0.0), 2000);
    // good text: what is lost until it is noticed is less than this many tokens
    const Result better = simulation.run(independent(0.9), 400);
    CHECK(better.time * best_fixed_rate(machine, 0.9) - better.tokens < 120);
    CHECK(simulation.run(independent(0.9), 1000).rate() > 0.93 * best_fixed_rate(machine, 0.9));
    // and bad again
    const Result worse = simulation.run(independent(0.0), 400);
    CHECK(worse.time - worse.tokens < 30);
    CHECK(simulation.run(independent(0.0), 1000).rate() > 0.98);
  }
}

TEST_CASE("after the text becomes predictable a few probes are enough") {
  const Machine& machine = kMachines[0];
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u, 5u}) {
    CAPTURE(seed);
    Simulation simulation(machine, seed);
    (void)simulation.run(independent(0.0), 3000);
    const Result result = simulation.run(independent(1.0), 150);
    CHECK(result.depths[1] < 10);  // probes, before more is tried
    CHECK(result.rate() > 0.8 * best_fixed_rate(machine, 1.0));
  }
}

TEST_CASE("a machine that becomes slower or faster does not spoil the choice") {
  for (const double factor : {3.0, 0.4}) {
    CAPTURE(factor);
    Machine machine = kMachines[0];
    Simulation simulation(machine, 8);
    (void)simulation.run(independent(0.8), 2000);
    for (double& pass : machine.pass) pass *= factor;
    machine.draft *= factor;
    simulation.change(machine);
    (void)simulation.run(independent(0.8), 200);
    CHECK(simulation.run(independent(0.8), 2000).rate() > 0.95 * best_fixed_rate(machine, 0.8));
  }
}

TEST_CASE(
    "confidence ends doubtful drafts: better than the best fixed depth where rows are cheap") {
  // half of the tokens are nearly certain, half nearly hopeless, and the drafter knows which
  const Text knowing = [](std::mt19937& random) {
    const bool sure = random() % 2 == 0;
    const double right = std::uniform_real_distribution<>(0, 1)(random);
    return Draw{right < (sure ? 0.97 : 0.1), sure ? 0.9f : 0.3f};
  };
  // or claims to, and does not
  const Text boasting = [](std::mt19937& random) {
    const double right = std::uniform_real_distribution<>(0, 1)(random);
    return Draw{right < 0.535, random() % 2 == 0 ? 0.99f : 0.01f};
  };
  for (const std::size_t which : {0u, 1u, 2u, 3u, 4u}) {
    const Machine& machine = kMachines[which];
    CAPTURE(std::string(machine.name));
    const double best = best_fixed_rate(machine, 0.535);
    double known = 0, claimed = 0;
    for (std::uint32_t seed = 1; seed <= 10; ++seed) {
      known += Simulation(machine, seed).run(knowing, 5000).rate() / best / 10;
      claimed += Simulation(machine, seed).run(boasting, 5000).rate() / best / 10;
    }
    // where rows are dear there is next to nothing to gain, and whether it is found is luck
    CHECK(known > (which == 3 ? 0.98 : 1.04));
    CHECK(claimed > 0.97);
  }
}

TEST_CASE("a free drafter is heard when it is sure, though it rarely is") {
  // like n-gram lookup in prose: right on a tenth of the text, and it knows where
  Machine machine = kMachines[0];
  machine.draft = 0.0001;
  int run = 0;
  const Text lookup = [&](std::mt19937& random) {
    if (run == 0 && random() % 40 == 0) run = 8;
    const bool sure = run > 0;
    if (sure) --run;
    const double right = std::uniform_real_distribution<>(0, 1)(random);
    return Draw{right < (sure ? 0.95 : 0.02), sure ? 0.9f : 0.2f};
  };
  CHECK(Simulation(machine, 10).run(lookup, 5000).rate() > 1.01);
}

TEST_CASE("the same times and outcomes give the same depths") {
  Machine machine = kMachines[0];
  machine.noise = 0.2;
  const Result a = Simulation(machine, 11).run(independent(0.7), 500);
  const Result b = Simulation(machine, 11).run(independent(0.7), 500);
  CHECK(a.depths == b.depths);
}

TEST_CASE("no more is asked for than there is room") {
  DepthController controller;
  controller.pass_took(1, 1000);
  for (int round = 0; round < 200; ++round) {
    const std::uint32_t room = static_cast<std::uint32_t>(round) % 10;
    const std::uint32_t most = controller.plan(room);
    REQUIRE(most <= std::min(room, kMostDrafts));
    std::uint32_t drafted = 0;
    while (drafted < most) {
      ++drafted;
      if (!controller.drafted(0.9f)) break;
    }
    if (most > 0) controller.draft_took(drafted, 10);
    const std::uint32_t depth = controller.settle();
    REQUIRE(depth <= drafted);
    controller.pass_took(depth + 1, 1000 + 20 * depth);
    controller.judged(depth, false);
  }
}

TEST_CASE("costs: medians where measured, lines between, hope beyond") {
  StepCosts costs;
  CHECK(costs.pass(1) == 1.0);
  CHECK(costs.pass(8) > 1.0);
  for (int i = 0; i < 10; ++i) {
    costs.pass_took(1, 100);
    costs.pass_took(1, 104);
    costs.pass_took(1, 102);
  }
  for (int i = 0; i < 2; ++i) costs.pass_took(1, 5000);  // a pause
  CHECK(costs.pass(1) == 102);
  CHECK(costs.pass(8) < 150);
  costs.pass_took(5, 300);
  CHECK(costs.pass(3) == doctest::Approx(201));
  CHECK(costs.pass(8) > 300);
  CHECK(costs.pass(8) < 400);
  for (int i = 0; i < 6; ++i) costs.pass_took(1, 50);  // a lasting change
  CHECK(costs.pass(1) == 50);
  CHECK(costs.measured(1) == 50);
  CHECK(costs.measured(2) == 0);
  CHECK_FALSE(costs.stale(1));
  CHECK(costs.stale(5));  // nothing is known of it at the new speed
  costs.pass_took(5, 90);
  CHECK(costs.pass(5) == 90);
  CHECK_FALSE(costs.stale(5));
  for (int i = 0; i < 3; ++i) costs.pass_took(2, 40);  // before the slower ones are believed
  CHECK(costs.pass(1) == 40);                          // no more than a pass over two
  CHECK(costs.measured(1) == 50);
  costs.draft_took(4, 40);
  CHECK(costs.draft_token() == 10);
}

TEST_CASE("costs: two passes can share the rows of one, and a new speed is that of all passes") {
  StepCosts costs;
  for (int i = 0; i < 10; ++i) costs.pass_took(1, 100);
  CHECK(costs.pass_at_most(2) == 200);
  CHECK(costs.pass_at_most(8) == 800);
  costs.pass_took(2, 110);
  CHECK(costs.pass_at_most(3) == 210);
  CHECK(costs.pass_at_most(8) == 440);
  CHECK(costs.pass(8) < 150);
  costs.pass_took(4, 600);  // in a pause
  CHECK(costs.pass(4) == 220);
  for (int i = 0; i < 10; ++i) costs.pass_took(1, 200);
  CHECK(costs.pass(1) == 200);
  CHECK(costs.pass(2) == doctest::Approx(220));
  CHECK(costs.stale(2));
}

TEST_CASE(
    "acceptance: places after a rejection are not counted, rare ones take after their elders") {
  Acceptance acceptance;
  const std::vector<float> unknown(7, kUnknownConfidence);
  for (int i = 0; i < 200; ++i) acceptance.judged(unknown, 1, true);  // the second is always wrong
  CHECK(acceptance.at(0) > 0.95);
  CHECK(acceptance.at(1) < 0.05);
  // never seen: like the one before
  CHECK(acceptance.at(2) == doctest::Approx(acceptance.at(1)).epsilon(0.5));
  for (int i = 0; i < 200; ++i) acceptance.judged(unknown, 7, false);
  CHECK(acceptance.at(6) > 0.9);
  // ended early: nothing is known of what was not asked
  for (int i = 0; i < 200; ++i) acceptance.judged(unknown, 3, false);
  CHECK(acceptance.at(3) > 0.9);
  // confidences mean what they turn out to mean
  const std::vector<float> sure = {0.95f}, unsure = {0.15f};
  for (int i = 0; i < 300; ++i) {
    acceptance.judged(sure, i % 5 == 0, i % 5 != 0);
    acceptance.judged(unsure, 1, false);
  }
  CHECK(acceptance.of(0, 0.95f) == doctest::Approx(0.2).epsilon(0.3));
  CHECK(acceptance.of(0, 0.15f) > 0.9);
  CHECK(acceptance.of(0, 1.0f) < 0.3);
}

}  // namespace gemma4::test
