#include "decode/mtp_drafter.hpp"

#include <algorithm>
#include <cmath>

#include "decode/sampler.hpp"

namespace gemma4 {
namespace {

/// Tokens that are searched for earlier occurrences: a guess need not be exact.
constexpr std::size_t kMostHistory = 1024;

/// How many of the assistant's tokens a guess may need: without options that move or forbid logits
/// the most likely token is its best one.
std::uint32_t choices_for(const SamplingOptions& options) {
  return takes_largest(options) && options.suppress.empty() ? 1 : kAllChoices;
}

bool contains(std::span<const Token> tokens, Token token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

}  // namespace

void MtpDrafter::propose(const DraftRequest& request, DraftSink& draft) {
  if (state_.hidden.empty() || request.position < 2) return;
  const std::uint32_t position = request.position - 1;  // of the newest token
  Token token = request.tokens.back();
  std::span<const float> hidden = state_.hidden;
  const std::uint32_t choices = choices_for(request.sampling);
  for (std::uint32_t drafted = 0; drafted < request.most; ++drafted) {
    if (!assistant_.step(token, hidden, position, *state_.cache, &cancel_, choices)) return;
    if (assistant_.best().empty()) return;
    const Guess guess = choose(request, drafted);
    if (!draft.add(guess.token, guess.confidence)) return;
    tokens_[drafted] = token = guess.token;
    hidden = assistant_.next_hidden();
  }
}

/// A candidate's logit after bias and penalties, as sampler.hpp defines them.
float MtpDrafter::penalised(const DraftRequest& request, std::uint32_t drafted,
                            const DraftChoice& choice) {
  const SamplingOptions& options = request.sampling;
  float logit = choice.logit;
  for (const LogitBias& bias : options.logit_bias) {
    if (bias.token == choice.token) logit += bias.bias;
  }
  if (!has_penalties(options)) return logit;
  const std::size_t window = std::min<std::size_t>(
      kMostHistory, options.penalty_window != 0 ? options.penalty_window : kMostHistory);
  const std::size_t own = std::min<std::size_t>(drafted, window),
                    before = std::min(window - own, request.tokens.size());
  const auto context = request.tokens.last(before);
  const auto draft = std::span(tokens_).first(drafted).last(own);
  const auto count = static_cast<float>(std::count(context.begin(), context.end(), choice.token) +
                                        std::count(draft.begin(), draft.end(), choice.token));
  if (count == 0) return logit;
  logit = logit > 0 ? logit / options.repetition_penalty : logit * options.repetition_penalty;
  return logit - options.presence_penalty - count * options.frequency_penalty;
}

/// The assistant's best tokens as candidates, without what the options forbid.
std::size_t MtpDrafter::gather(const DraftRequest& request, std::uint32_t drafted) {
  std::size_t count = 0;
  for (const DraftChoice& choice : assistant_.best()) {
    if (contains(request.sampling.suppress, choice.token)) continue;
    const float logit = penalised(request, drafted, choice);
    if (std::isfinite(logit)) candidates_[count++] = Candidate(logit + 0.0f, choice.token);
  }
  return count;
}

MtpDrafter::Guess MtpDrafter::choose(const DraftRequest& request, std::uint32_t drafted) {
  const SamplingOptions& options = request.sampling;
  const Guess best = {assistant_.best()[0].token, assistant_.confidence()};
  std::span<Candidate> list = std::span(candidates_).first(gather(request, drafted));
  if (list.empty()) return best;
  std::sort(list.begin(), list.end(), [](Candidate a, Candidate b) { return a.before(b); });
  if (options.temperature == 0) {
    const bool same = list[0].token() == best.token;
    return {list[0].token(), same ? best.confidence : kUnknownConfidence};
  }
  if (options.top_k > 0)
    list = list.first(std::min<std::size_t>(list.size(), static_cast<std::size_t>(options.top_k)));
  const Softmax softmax{list[0].logit(), options.temperature};
  if (options.top_p < 1) list = list.first(keep_top_p(list, softmax, options.top_p));
  if (options.min_p > 0) list = list.first(keep_min_p(list, softmax, options.min_p));
  const Token token = draw(list, softmax, options.seed, request.position + drafted);
  double sum = 0, own = 0;
  for (const Candidate candidate : list) {
    const double weight = softmax.weight(candidate);
    sum += weight;
    if (candidate.token() == token) own = weight;
  }
  return {token, static_cast<float>(own / sum)};
}

}  // namespace gemma4
