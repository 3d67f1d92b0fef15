// The definition in decode/sampler.hpp, followed step by step without any thought of speed.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "decode/philox.hpp"
#include "decode/portable_math.hpp"
#include "gemma4/sampling.hpp"

namespace gemma4::plain {

struct Scored {
  Token token;
  float logit;
  double weight;
};

inline float clean(float logit) {
  if (std::isnan(logit)) return -INFINITY;
  if (logit == INFINITY) return std::numeric_limits<float>::max();
  return logit;
}

// Steps 1 and 2.
inline std::vector<float> adjust(std::span<const float> logits, const SamplingOptions& options,
                                 std::span<const Token> model_suppressed,
                                 std::span<const Token> history) {
  std::vector<float> out;
  for (const float logit : logits) out.push_back(clean(logit));
  for (const Token token : model_suppressed) out[token] = -INFINITY;
  for (const Token token : options.suppress) out[token] = -INFINITY;
  for (const LogitBias& bias : options.logit_bias) {
    out[bias.token] = clean(out[bias.token] + bias.bias);
  }
  std::size_t start = 0;
  if (options.penalty_window != 0 && history.size() > options.penalty_window) {
    start = history.size() - options.penalty_window;
  }
  for (Token token = 0; token < static_cast<Token>(out.size()); ++token) {
    const auto count =
        std::count(history.begin() + static_cast<std::ptrdiff_t>(start), history.end(), token);
    if (count == 0) continue;
    double logit = out[token];
    if (logit > 0) {
      logit = logit / options.repetition_penalty;
    } else {
      logit = logit * options.repetition_penalty;
    }
    logit = logit - options.presence_penalty;
    logit = logit - static_cast<double>(count) * options.frequency_penalty;
    out[token] = clean(static_cast<float>(logit));
  }
  return out;
}

// Steps 3 to 6: what may be drawn, in order.
inline std::vector<Scored> candidates(std::span<const float> adjusted,
                                      const SamplingOptions& options) {
  std::vector<Scored> list;
  for (std::size_t i = 0; i < adjusted.size(); ++i) {
    if (adjusted[i] != -INFINITY) list.push_back({static_cast<Token>(i), adjusted[i], 0});
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const Scored& a, const Scored& b) { return a.logit > b.logit; });
  if (list.empty()) return list;
  if (options.temperature == 0) return {list[0]};
  if (options.top_k > 0 && list.size() > static_cast<std::size_t>(options.top_k)) {
    list.resize(static_cast<std::size_t>(options.top_k));
  }
  const double highest = list[0].logit;
  for (Scored& s : list) {
    s.weight = portable_exp((s.logit - highest) / static_cast<double>(options.temperature));
  }
  if (options.top_p < 1) {
    const auto share = [](const Scored& s) {
      return static_cast<std::uint64_t>(std::floor(s.weight * 0x1p40 + 0.5));
    };
    std::uint64_t total = 0, sum = 0;
    for (const Scored& s : list) total += share(s);
    const auto enough = static_cast<std::uint64_t>(
        std::ceil(static_cast<double>(options.top_p) * static_cast<double>(total)));
    std::size_t kept = 0;
    while (kept < list.size() && sum < std::max<std::uint64_t>(enough, 1)) {
      sum += share(list[kept++]);
    }
    list.resize(kept);
  }
  std::vector<Scored> left;
  for (const Scored& s : list) {
    if (s.weight >= static_cast<double>(options.min_p)) left.push_back(s);
  }
  return left;
}

inline double uniform(std::uint64_t seed, std::uint32_t position, Token token) {
  const PhiloxCounter words = philox4x32_10(
      {static_cast<std::uint32_t>(token), position, 0, 0},
      {static_cast<std::uint32_t>(seed & 0xffffffffu), static_cast<std::uint32_t>(seed >> 32)});
  const std::uint64_t number = words[1] * (std::uint64_t{1} << 32) + words[0];
  return (static_cast<double>(number / 4096) + 0.5) / 4503599627370496.0;
}

// Step 7 after all the others.
inline Token pick(std::span<const float> logits, const SamplingOptions& options,
                  std::span<const Token> model_suppressed, std::uint32_t position,
                  std::span<const Token> history) {
  const std::vector<float> adjusted = adjust(logits, options, model_suppressed, history);
  const std::vector<Scored> list = candidates(adjusted, options);
  if (list.empty()) return 0;
  if (options.temperature == 0) return list[0].token;
  Token best = -1;
  double best_time = INFINITY;
  for (const Scored& s : list) {
    const double time = -portable_log(uniform(options.seed, position, s.token)) / s.weight;
    if (best < 0 || time < best_time || (time == best_time && s.token < best)) {
      best_time = time;
      best = s.token;
    }
  }
  return best;
}

}  // namespace gemma4::plain
