#include "bench_speculation.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "interrupt.hpp"

namespace cli {
namespace {

/// While they are quick there are more repeats than asked for, up to this many.
constexpr std::uint32_t kQuickRepeats = 15;
constexpr double kQuickSeconds = 0.2;

/// Replays leave out depths whose last token is accepted less often: they cannot be the best.
constexpr double kLeastReach = 0.02;

struct Prompt {
  const char* name;
  const char* text;
};

// Questions of the kinds that are asked most; each is a user's message where the vocabulary has
// turns, and raw text otherwise.
constexpr Prompt kPrompts[] = {
    {"prose", "Write a short story about Anna, who went to the market on a sunny Monday."},
    {"code",
     "Here is a function:\n\n"
     "def total(items):\n    result = 0\n    for item in items:\n        result += item\n"
     "    return result\n\n"
     "Write the same function again so that it adds only the positive items."},
    {"extraction",
     "Tom, 34, lives in Oslo and sells books. Mia, 28, lives in Rome and paints houses. Ben, 51, "
     "lives in Lima and repairs bicycles.\n\n"
     "List every person above with name, age, city and work, one on a line."},
    {"arithmetic", "Work out 34 + 17, 51 + 26 and 77 - 19, one on a line, with the steps."}};

// A number from 0 to 1 that belongs to a place; splitmix64's mixing.
double coin(std::uint64_t seed, std::uint64_t position) {
  std::uint64_t x = seed * 0x9e3779b97f4a7c15u + position * 0xd1342543de82ef95u;
  for (const std::uint64_t factor : {0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu}) {
    x ^= x >> 30;
    x *= factor;
  }
  x ^= x >> 31;
  return static_cast<double>(x >> 11) * 0x1p-53;
}

bool has_turns(const gemma4::Tokenizer& tokenizer) {
  return tokenizer.encode("<|turn>", gemma4::SpecialTokens::all).size() == 1;
}

void check_interrupt() {
  if (interrupted()) throw gemma4::Error(gemma4::ErrorCode::cancelled, "cancelled");
}

}  // namespace

/// Hands tokens on to the session, or others in their place.
class BenchDrafter::Relay final : public gemma4::DraftSink {
 public:
  Relay(BenchDrafter& owner, std::uint32_t position, gemma4::DraftSink& draft)
      : owner_(owner), position_(position), draft_(draft) {}

  bool add(gemma4::Token token, float confidence) override {
    if (owner_.seconds != nullptr) owner_.seconds->push_back(watch_.seconds());
    bool more = false;
    if (!owner_.replay) {
      more = draft_.add(token, confidence);
    } else if (position_ < owner_.replay->text.size()) {
      more = draft_.add(replayed(*owner_.replay));  // the drafter's confidence is in its own token
    }
    ++position_;
    watch_ = Stopwatch();
    return more;
  }

 private:
  gemma4::Token replayed(const Replay& from) const {
    const gemma4::Token right = from.text[position_];
    return from.right[position_] ? right : (right + 1) % from.vocabulary;
  }

  BenchDrafter& owner_;
  std::size_t position_;
  gemma4::DraftSink& draft_;
  Stopwatch watch_;
};

void BenchDrafter::Replay::draw(std::uint32_t first, double acceptance, std::uint64_t seed) {
  right.assign(text.size(), false);
  std::vector<std::pair<double, std::size_t>> places;
  for (std::size_t at = first; at < text.size(); ++at) places.emplace_back(coin(seed, at), at);
  std::sort(places.begin(), places.end());
  // what a share of so few leaves over is one place more in some repeats
  const double wanted = acceptance * static_cast<double>(places.size()) + coin(seed, 0);
  places.resize(std::min(places.size(), static_cast<std::size_t>(wanted)));
  for (const auto& [coin, at] : places) right[at] = true;
}

gemma4::Speculation BenchDrafter::around(const gemma4::Speculation& speculation,
                                         const std::shared_ptr<BenchDrafter>& drafter) {
  return speculation.wrapped([drafter](std::shared_ptr<gemma4::Drafter> own) {
    drafter->own_ = std::move(own);
    return drafter;
  });
}

void BenchDrafter::propose(const gemma4::DraftRequest& request, gemma4::DraftSink& draft) {
  const std::uint32_t most = std::min(request.most, depth);
  if (most == 0) return;
  Relay relay(*this, request.position, draft);
  own_->propose({request.tokens, request.sampling, request.position, most}, relay);
}

void BenchDrafter::verified(const gemma4::DraftVerdict& verdict) {
  if (!replay) own_->verified(verdict);  // replayed drafts are not its own
}

std::string DraftDepth::name() const {
  return tokens == 0 ? "off" : tokens == kAutomatic ? "auto" : std::to_string(tokens);
}

/// A session with a prompt, and the drafter around its own.
struct SpeculationBench::Subject {
  Subject(const gemma4::Model& model, gemma4::SessionOptions options,
          const gemma4::Speculation& speculation, const Append& append)
      : drafter(std::make_shared<BenchDrafter>()),
        session(model, with(std::move(options), BenchDrafter::around(speculation, drafter))) {
    append(session);
    prompt = session.position();
    const CancelOnInterrupt cancel(session);
    session.prefill([&](std::uint32_t, std::uint32_t) { return !cancel.pressed(); });
  }

  static gemma4::SessionOptions with(gemma4::SessionOptions options,
                                     gemma4::Speculation speculation) {
    options.speculation = std::move(speculation);
    return options;
  }

  /// Writes the continuation once more; the tokens a second after the first, whose logits are
  /// there before the clock starts.
  double tokens_per_second(const gemma4::GenerateOptions& options) {
    session.rewind(prompt);
    (void)session.logits();
    const Stopwatch watch;
    for (const gemma4::Event& event : session.generate(options)) {
      (void)event;
      if (interrupted()) break;
    }
    const double seconds = watch.seconds();
    check_interrupt();
    return (session.position() - prompt - 1) / seconds;
  }

  std::shared_ptr<BenchDrafter> drafter;
  gemma4::Session session;
  std::uint32_t prompt = 0;
};

/// What is decoded again and again: a prompt and its continuation, and the session of all fixed
/// depths, which the drafter around its own keeps to.
struct SpeculationBench::Text {
  Append append;
  Subject fixed;
  std::vector<gemma4::Token> tokens;  // the prompt's and those that follow
};

SpeculationBench::SpeculationBench(const gemma4::Model& model,
                                   const gemma4::SessionOptions& options,
                                   gemma4::DrafterKind drafter, std::uint32_t generate,
                                   std::uint32_t repeats, std::vector<gemma4::Token> replay_prompt)
    : model_(model),
      options_(options),
      drafter_(drafter),
      generate_(generate),
      repeats_(repeats),
      replay_prompt_(std::move(replay_prompt)) {}

SpeculationBench::~SpeculationBench() = default;

SpeculationBench::Subject SpeculationBench::subject(const gemma4::Speculation& speculation,
                                                    const Append& append) const {
  return Subject(model_, options_, speculation.by(drafter_), append);
}

gemma4::GenerateOptions SpeculationBench::generation(bool replayed) const {
  gemma4::GenerateOptions options;  // greedy
  options.max_tokens = generate_;
  options.ignore_end_of_generation = replayed;
  return options;
}

SpeculationBench::Text SpeculationBench::known_text(const Append& append, bool replayed) const {
  Text text{append, subject(gemma4::Speculation::fixed(gemma4::kMostDrafts), append), {}};
  text.fixed.drafter->depth = 0;
  (void)text.fixed.tokens_per_second(generation(replayed));
  const auto tokens = text.fixed.session.tokens();
  text.tokens.assign(tokens.begin(), tokens.end());
  return text;
}

std::vector<SpeculationResult> SpeculationBench::run(Text& text, const std::vector<int>& depths,
                                                     const SpeculationResult& what) const {
  Subject& fixed = text.fixed;
  if (text.tokens.size() < fixed.prompt + 2) return {};  // no step to measure
  // its controller goes on learning from repeat to repeat
  Subject automatic = subject(gemma4::Speculation::automatic(), text.append);
  if (what.replayed()) {
    const auto vocabulary = static_cast<gemma4::Token>(model_.tokenizer().vocabulary_size());
    fixed.drafter->replay = automatic.drafter->replay =
        BenchDrafter::Replay{text.tokens, vocabulary, {}};
  }

  std::vector<SpeculationResult> results(depths.size(), what);
  std::vector<std::vector<double>> rates(depths.size()), speedups(depths.size());
  const auto measure = [&](std::size_t i, std::uint64_t repeat) {
    Subject& subject = depths[i] == DraftDepth::kAutomatic ? automatic : fixed;
    if (depths[i] != DraftDepth::kAutomatic)
      subject.drafter->depth = static_cast<std::uint32_t>(depths[i]);
    if (subject.drafter->replay) {
      // the first token is there before there are drafts
      subject.drafter->replay->draw(fixed.prompt + 1, what.wanted_acceptance, repeat);
    }
    const gemma4::Statistics before = subject.session.statistics();
    rates[i].push_back(subject.tokens_per_second(generation(what.replayed())));
    const gemma4::Statistics after = subject.session.statistics();
    if (!std::ranges::equal(subject.session.tokens(), text.tokens))
      throw std::runtime_error("the tokens with drafts are not those without");
    results[i].depth.tokens = depths[i];
    results[i].drafted += after.drafted - before.drafted;
    results[i].accepted += after.accepted - before.accepted;
    for (std::size_t k = 0; k < after.depths.size(); ++k)
      results[i].passes[k] += after.depths[k] - before.depths[k];
  };
  const Stopwatch watch;
  for (std::uint32_t repeat = 0; repeat < std::max(repeats_, kQuickRepeats); ++repeat) {
    if (repeat >= repeats_ && watch.seconds() > kQuickSeconds) break;
    // there and back, so that a machine that becomes slower or faster favours nobody
    for (std::size_t i = 0; i < depths.size(); ++i)
      measure(repeat % 2 == 0 ? i : depths.size() - 1 - i, repeat);
    for (std::size_t i = 0; i < depths.size(); ++i)
      speedups[i].push_back(rates[i].back() / rates[0].back());
  }
  for (std::size_t i = 0; i < depths.size(); ++i) {
    results[i].tokens_per_second = spread(rates[i]);
    results[i].speedup = spread(speedups[i]);
  }
  return results;
}

std::vector<SpeculationResult> SpeculationBench::replay(double acceptance) {
  std::vector<int> depths = {0};
  double reach = 1;  // probability that the last token of a draft is accepted
  for (int depth = 1; depth <= static_cast<int>(gemma4::kMostDrafts); ++depth) {
    reach *= acceptance;
    if (depth == 5 || depth == 6) continue;  // between neighbours that are measured
    if (depth == 1 || reach >= kLeastReach) depths.push_back(depth);
  }
  depths.push_back(DraftDepth::kAutomatic);
  if (!replayed_) {
    const auto append = [this](gemma4::Session& session) { session.append_tokens(replay_prompt_); };
    replayed_ = std::make_unique<Text>(known_text(append, true));
  }
  SpeculationResult what;
  what.wanted_acceptance = acceptance;
  return run(*replayed_, depths, what);
}

std::vector<SpeculationResult> SpeculationBench::real(std::size_t prompt) {
  const Prompt& chosen = kPrompts[prompt];
  SpeculationResult what;
  what.prompt = chosen.name;
  const Append append = [&](gemma4::Session& session) {
    if (has_turns(model_.tokenizer())) {
      session.append(gemma4::Chat{}.user(chosen.text));
    } else {
      session.append_text(chosen.text);
    }
  };
  Text text = known_text(append, false);
  return run(text, {0, 1, 2, 4, DraftDepth::kAutomatic}, what);
}

std::size_t SpeculationBench::prompts() { return std::size(kPrompts); }

}  // namespace cli
