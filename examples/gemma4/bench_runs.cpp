#include "bench_runs.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "machine_limits.hpp"
#include "progress.hpp"

namespace cli {
namespace {

constexpr int kPrefillRepeats = 3;
constexpr int kPassRepeats = 7;
constexpr std::uint64_t kMaxBatch = 64, kMaxSessions = 64;
constexpr std::uint32_t kDraftPasses = 10;  // of seven steps each
constexpr std::uint32_t kReplayPrompt = 16;

class Bench {
 public:
  Bench(const BenchArguments& arguments, const gemma4::Model& model)
      : arguments_(arguments),
        model_(model),
        session_(model, session_options(gemma4::Speculation::off(), context_tokens())) {}

  void run(BenchObserver& observer) {
    BenchResults results;
    Progress progress("measuring");
    const std::size_t total = 6 + speculations();
    std::size_t done = 0;
    progress.update(0, total);
    const auto next = [&] { progress.update(++done, total); };
    results.bandwidth = read_bandwidth(model_.threads());
    results.int8_rate = int8_rate(model_.isa(), model_.threads());
    next();
    results.prefill = prefill_time();
    next();
    results.decode = decode_time();
    next();
    results.verification = pass_times();
    next();
    if (arguments_.sessions) results.sessions = shared_pass_times();
    next();
    if (model_.info().assistant) results.draft_step = draft_step_time();
    progress.finish();
    observer.times(results);
    next();
    if (speculations() == 0) return;
    SpeculationBench bench = speculation_bench();
    for (std::size_t i = 0; i < speculations(); ++i) {
      const std::vector<SpeculationResult> some =
          replays() ? bench.replay(arguments_.replay_acceptance[i]) : bench.real(i);
      progress.finish();
      observer.speculation(some);
      next();
    }
  }

 private:
  gemma4::SessionOptions session_options(gemma4::Speculation speculation,
                                         std::uint32_t context) const {
    gemma4::SessionOptions options = arguments_.session.options(arguments_.load);
    if (options.context_tokens == 0)
      options.context_tokens = std::min(context, model_.info().context_limit);
    options.speculation = std::move(speculation);
    return options;
  }

  // What the longest measurement needs.
  std::uint32_t context_tokens() const {
    std::uint64_t passes = 0;
    for (const std::uint64_t n : *arguments_.batch) passes += n * (kPassRepeats + 1);
    const std::uint64_t longest = std::max(
        {std::uint64_t{arguments_.prompt_tokens}, std::uint64_t{arguments_.generate} + 2, passes});
    return static_cast<std::uint32_t>(arguments_.depth + longest + 1);
  }

  // Tokens without meaning: the time does not depend on them. A fixed generator gives every run the
  // same ones.
  std::vector<gemma4::Token> tokens(std::uint64_t count) {
    const auto vocabulary = static_cast<std::uint64_t>(model_.tokenizer().vocabulary_size());
    std::vector<gemma4::Token> result;
    for (std::uint64_t i = 0; i < count; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      result.push_back(static_cast<gemma4::Token>((state_ >> 33) % vocabulary));
    }
    return result;
  }

  // Bos and as many tokens.
  std::vector<gemma4::Token> prompt(std::uint64_t count) {
    std::vector<gemma4::Token> result = tokens(count);
    result.insert(result.begin(), model_.tokenizer().bos());
    return result;
  }

  // An empty session, then bos and --depth tokens.
  void start(gemma4::Session& session) {
    session.rewind(0);
    session.append_tokens(prompt(arguments_.depth));
    evaluate(session);
  }

  static void evaluate(gemma4::Session& session) {
    const CancelOnInterrupt cancel(session);
    session.prefill([&](std::uint32_t, std::uint32_t) { return !cancel.pressed(); });
  }

  static void check_interrupt() {
    if (interrupted()) throw gemma4::Error(gemma4::ErrorCode::cancelled, "cancelled");
  }

  Spread prefill_time() {
    std::vector<double> seconds;
    for (int repeat = 0; repeat < kPrefillRepeats; ++repeat) {
      start(session_);
      session_.append_tokens(tokens(arguments_.prompt_tokens));
      const Stopwatch watch;
      evaluate(session_);
      seconds.push_back(watch.seconds());
    }
    return spread(seconds);
  }

  // A step evaluates the token before it, so the first one, after a prefill, is not measured.
  Spread decode_time() {
    start(session_);
    session_.decode_step();
    std::vector<double> seconds;
    for (std::uint32_t i = 0; i < arguments_.generate; ++i) {
      const Stopwatch watch;
      session_.decode_step();
      seconds.push_back(watch.seconds());
      check_interrupt();
    }
    return spread(seconds);
  }

  // All sizes in turn, again and again: what disturbs the machine for a while disturbs them alike.
  std::vector<PassTime> pass_times() {
    const std::vector<std::uint64_t>& sizes = *arguments_.batch;
    std::vector<std::vector<double>> seconds(sizes.size());
    start(session_);
    for (int repeat = 0; repeat <= kPassRepeats; ++repeat) {
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        const std::vector<gemma4::Token> pass = tokens(sizes[i]);
        const Stopwatch watch;
        session_.prefill_tokens(pass, [](std::uint32_t, std::span<const float>) {});
        if (repeat > 0) seconds[i].push_back(watch.seconds());  // the first round warms up
        check_interrupt();
      }
    }
    std::vector<PassTime> result;
    for (std::size_t i = 0; i < sizes.size(); ++i) result.push_back({sizes[i], spread(seconds[i])});
    return result;
  }

  // One step of several sessions in a Batch. They are forks, so that a deep context is evaluated
  // once; attention goes through each one's rows by itself all the same.
  std::vector<PassTime> shared_pass_times() {
    const std::vector<std::uint64_t>& counts = *arguments_.sessions;
    start(session_);
    std::vector<gemma4::Session> sessions;
    for (std::uint64_t i = 0; i < *std::max_element(counts.begin(), counts.end()); ++i)
      sessions.push_back(session_.fork());
    gemma4::Batch batch(model_, {.rows = static_cast<std::uint32_t>(kMaxSessions),
                                 .context_tokens = session_.context_tokens()});
    std::vector<std::vector<double>> seconds(counts.size());
    for (int repeat = 0; repeat <= kPassRepeats; ++repeat) {
      for (std::size_t i = 0; i < counts.size(); ++i) {
        std::vector<gemma4::Session*> some;
        for (std::uint64_t k = 0; k < counts[i]; ++k) {
          sessions[k].rewind(arguments_.depth + 1);
          sessions[k].append_tokens(tokens(1));
          some.push_back(&sessions[k]);
        }
        const Stopwatch watch;
        batch.evaluate(some);
        if (repeat > 0) seconds[i].push_back(watch.seconds());
        check_interrupt();
      }
    }
    std::vector<PassTime> result;
    for (std::size_t i = 0; i < counts.size(); ++i)
      result.push_back({counts[i], spread(seconds[i])});
    return result;
  }

  // Between passes of the model, as they are made in earnest: its weights push the assistant's out
  // of the caches.
  Spread draft_step_time() {
    const auto drafter = std::make_shared<BenchDrafter>();
    const auto speculation =
        gemma4::Speculation::fixed(gemma4::kMostDrafts).by(gemma4::DrafterKind::mtp);
    gemma4::Session session(
        model_, session_options(BenchDrafter::around(speculation, drafter),
                                arguments_.depth + (kDraftPasses + 2) * (gemma4::kMostDrafts + 1)));
    start(session);
    std::vector<double> seconds;
    const auto passes = [&](std::uint64_t count) {
      const std::uint64_t end = session.statistics().target_steps + count;
      while (session.statistics().target_steps < end) {
        (void)session.decode_step();
        check_interrupt();
      }
    };
    passes(1);  // warms up
    drafter->seconds = &seconds;
    passes(kDraftPasses);
    return spread(seconds);
  }

  // Measurements of speculation: replays, or prompts, or none.
  std::size_t speculations() const {
    if (arguments_.no_speculation) return 0;
    if (replays()) return arguments_.replay_acceptance.size();
    const bool drafts = arguments_.speculation.drafter == gemma4::DrafterKind::automatic
                            ? model_.info().assistant.has_value()
                            : arguments_.speculation.drafter != gemma4::DrafterKind::none;
    return drafts ? SpeculationBench::prompts() : 0;
  }

  bool replays() const { return !arguments_.replay_acceptance.empty(); }

  SpeculationBench speculation_bench() {
    const std::uint32_t before =
        replays() ? arguments_.depth + kReplayPrompt + 1 : SpeculationBench::kPromptTokens;
    gemma4::DrafterKind drafter = arguments_.speculation.drafter;
    // meaningless text has no repetitions to be looked up: the assistant drafts each time
    if (replays() && drafter == gemma4::DrafterKind::automatic) drafter = gemma4::DrafterKind::mtp;
    return SpeculationBench(model_,
                            session_options(gemma4::Speculation::off(),
                                            before + arguments_.generate + gemma4::kMostDrafts),
                            drafter, arguments_.generate, arguments_.repeats,
                            prompt(arguments_.depth + kReplayPrompt));
  }

  const BenchArguments& arguments_;
  const gemma4::Model& model_;
  gemma4::Session session_;
  std::uint64_t state_ = 1;
};

}  // namespace

OptionTable BenchArguments::table() {
  OptionTable table(
      "bench [OPTIONS]",
      "Measures reading a prompt, decoding one token after another, evaluating several tokens in "
      "one pass, drafting, and what drafts gain in the end, each as a median with the least and "
      "the "
      "most. The decode time is compared with the time it takes to read the weights once at the "
      "memory's own speed, measured in the same run.");
  table.section("Measurements:");
  table.integer("--prompt-tokens", "N", "length of the prompt; default: 512", 1, 1u << 20,
                prompt_tokens);
  table.integer("--generate", "N", "tokens to decode; default: 32", 2, 1u << 20, generate);
  table.integer("--depth", "N", "tokens already in the context; default: 0", 0, 1u << 28, depth);
  table.list("--batch", "1,2,...", "tokens in one pass; default: 1,2,3,4,6,8", batch, kMaxBatch);
  table.list("--sessions", "1,2,...",
             "also: a step of so many sessions in passes that they share, beside one alone",
             sessions, kMaxSessions);
  table.section("Speculation (of a model with an assistant):");
  table.reals(
      "--replay-acceptance", "A,...",
      "instead of the built-in prompts: draft for real, but replace each drafted token by the "
      "right one with probability A (0 to 1), else by a wrong one",
      0, 1, replay_acceptance);
  table.integer(
      "--repeats", "N",
      "decode each text so often with each length of drafts, in turns; default: 3, and more "
      "while they take no time",
      1, 1000, repeats);
  speculation.declare_drafter(table);
  table.flag("--no-speculation", "leave out what drafts gain", no_speculation);
  session.declare(table);
  load.declare(table);
  return table;
}

void BenchArguments::settle() {
  if (!replay_acceptance.empty() && no_speculation)
    throw UsageError("--replay-acceptance: expected no --no-speculation beside it");
  if (!replay_acceptance.empty() && speculation.drafter == gemma4::DrafterKind::none)
    throw UsageError("--replay-acceptance: expected a drafter, found --drafter none");
  const auto one_first = [](const char* name, std::uint64_t most,
                            const std::vector<std::uint64_t>& asked) {
    std::vector<std::uint64_t> sizes = {1};
    for (const std::uint64_t n : asked) {
      if (n == 0)
        throw UsageError(std::string(name) + ": expected numbers from 1 to " +
                         std::to_string(most) + ", found 0");
      if (n > 1) sizes.push_back(n);
    }
    return sizes;
  };
  batch =
      one_first("--batch", kMaxBatch, batch.value_or(std::vector<std::uint64_t>{2, 3, 4, 6, 8}));
  if (sessions) sessions = one_first("--sessions", kMaxSessions, *sessions);
}

void run_measurements(const BenchArguments& arguments, const gemma4::Model& model,
                      BenchObserver& observer) {
  // said before minutes of measuring
  const gemma4::DrafterKind drafter = arguments.speculation.drafter;
  const bool replays = !arguments.replay_acceptance.empty();
  if (!model.info().assistant && !arguments.no_speculation &&
      (drafter == gemma4::DrafterKind::mtp ||
       (replays && drafter == gemma4::DrafterKind::automatic))) {
    throw gemma4::Error(gemma4::ErrorCode::invalid_argument,
                        std::string(replays ? "--replay-acceptance" : "--drafter mtp") +
                            ": expected a model with an assistant, found one without");
  }
  Bench(arguments, model).run(observer);
}

// All parameters but the table of token embeddings: a token's row is looked up there, and the head,
// which is the same table, is multiplied for the last token of a prompt only. That leaves the
// matrices of the layers and, some thousandths at most, their norms. Products of attention, which
// have no weights and grow with the context, are not counted.
double prefill_macs(const gemma4::ModelInfo& info) {
  return static_cast<double>(info.parameters) -
         static_cast<double>(info.vocabulary) * static_cast<double>(info.hidden_size);
}

}  // namespace cli
