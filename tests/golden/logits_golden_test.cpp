// The library's logits against the exact ones, side by side with llama.cpp's distance from them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "gemma4/gemma4.hpp"
#include "golden/golden_files.hpp"
#include "reference/reference.hpp"

namespace gemma4 {
namespace {

using golden::LogitPrompt;
using golden::Summary;
using reference::Index;
using reference::Matrix;

// The exact logits of all prompts at all positions.
std::vector<Matrix> exact_logits(const std::vector<LogitPrompt>& prompts) {
  std::vector<Matrix> out;
  reference::Reference model(golden::target_path());
  for (const LogitPrompt& prompt : prompts) {
    model.rewind(0);
    out.push_back(model.forward(prompt.ids).logits);
  }
  return out;
}

Matrix library_logits(const Model& model, KvType kv, const std::vector<Token>& ids) {
  SessionOptions options;
  options.context_tokens = 2048;
  options.kv = kv;
  Session session(model, options);
  Matrix out(static_cast<Index>(ids.size()), static_cast<Index>(model.info().vocabulary));
  std::uint32_t next = 0;
  session.prefill_tokens(ids, [&](std::uint32_t position, std::span<const float> logits) {
    REQUIRE(position == next++);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      out(position, static_cast<Index>(i)) = static_cast<double>(logits[i]);
    }
  });
  REQUIRE(next == ids.size());
  return out;
}

double log_sum_exp(const Matrix& row) {
  return row.maxCoeff() + std::log((row.array() - row.maxCoeff()).exp().sum());
}

// KL(exact || found) in nats, all tokens.
double divergence(const Matrix& exact, const Matrix& found) {
  const double exact_sum = log_sum_exp(exact), found_sum = log_sum_exp(found);
  const auto log_ratio = (exact.array() - exact_sum) - (found.array() - found_sum);
  return ((exact.array() - exact_sum).exp() * log_ratio).sum();
}

// KL over a coarser set of events, the only one that llama.cpp's shortened rows allow: each token
// of llama's list by itself, all others together.
double coarse_divergence(const Matrix& exact, const Summary& llama,
                         const std::vector<double>& found, double found_sum) {
  const double exact_sum = log_sum_exp(exact);
  double kl = 0, exact_rest = 1, found_rest = 1;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double log_p = exact(0, llama.top[i].first) - exact_sum, log_q = found[i] - found_sum;
    kl += std::exp(log_p) * (log_p - log_q);
    exact_rest -= std::exp(log_p);
    found_rest -= std::exp(log_q);
  }
  if (exact_rest > 1e-12 && found_rest > 1e-12)
    kl += exact_rest * std::log(exact_rest / found_rest);
  return kl;
}

// All distances of one KV setting, over all prompts.
struct Distances {
  golden::Agreement agreement;  // defined as in logits.json
  double kl_mean = 0, kl_max = 0;
  double coarse_kl = 0, llama_coarse_kl = 0;  // means over the recorded positions
};

void add_recorded(const LogitPrompt& prompt, const std::string& kv, const Matrix& exact,
                  const Matrix& found, Distances& sums, double& count) {
  for (std::size_t i = 0; i < prompt.positions.size(); ++i) {
    const Index p = static_cast<Index>(prompt.positions[i]);
    const Summary& llama = prompt.llama.at(kv)[i];
    std::vector<double> ours, theirs;
    for (const auto& [token, logit] : llama.top) {
      ours.push_back(found(p, token));
      theirs.push_back(logit);
    }
    sums.coarse_kl += coarse_divergence(exact.row(p), llama, ours, log_sum_exp(found.row(p)));
    sums.llama_coarse_kl += coarse_divergence(exact.row(p), llama, theirs, llama.log_sum_exp);
    ++count;
  }
}

Distances measure(const Model& model, KvType type, const std::string& kv,
                  const std::vector<LogitPrompt>& prompts, const std::vector<Matrix>& exact_rows) {
  Distances out;
  double positions = 0, recorded = 0;
  for (std::size_t n = 0; n < prompts.size(); ++n) {
    CAPTURE(prompts[n].name);
    const Matrix& exact = exact_rows[n];
    const Matrix found = library_logits(model, type, prompts[n].ids);
    const Matrix difference = (found - exact).cwiseAbs();
    out.agreement.max = std::max(out.agreement.max, difference.maxCoeff());
    out.agreement.mean += difference.mean() / static_cast<double>(prompts.size());
    double same = 0;
    for (Index p = 0; p < exact.rows(); ++p) {
      Index a = 0, b = 0;
      exact.row(p).maxCoeff(&a);
      found.row(p).maxCoeff(&b);
      same += a == b;
      const double kl = divergence(exact.row(p), found.row(p));
      out.kl_mean += kl;
      out.kl_max = std::max(out.kl_max, kl);
    }
    positions += static_cast<double>(exact.rows());
    out.agreement.same_best +=
        same / static_cast<double>(exact.rows() * static_cast<Index>(prompts.size()));
    add_recorded(prompts[n], kv, exact, found, out, recorded);
  }
  out.kl_mean /= positions;
  out.coarse_kl /= recorded;
  out.llama_coarse_kl /= recorded;
  return out;
}

void report(const std::string& kv, const Distances& d, const golden::Agreement& llama) {
  char text[400];
  std::snprintf(text, sizeof text,
                "KV %s, distance from the exact logits: max %.4f (llama.cpp %.4f), mean %.5f "
                "(%.5f), best token equal "
                "%.3f %% (%.3f %%); KL mean %.3g, max %.3g; on llama.cpp's lists %.3g (%.3g)",
                kv.c_str(), d.agreement.max, llama.max, d.agreement.mean, llama.mean,
                100 * d.agreement.same_best, 100 * llama.same_best, d.kl_mean, d.kl_max,
                d.coarse_kl, d.llama_coarse_kl);
  MESSAGE(text);
}

// Both programs round activations to 8 bits, so their distances are partly chance: in the reference
// with such rounding, relative noise of 1e-4 on the activations, which only changes which way
// numbers are rounded, moves the mean over these prompts with a standard deviation of 0.0004 around
// 0.0176 (12 runs; the same with llama.cpp's variant of the rounding). Averaged over two settings
// on both sides, a difference has that deviation too; twice as much is more than chance.
constexpr double kChance = 2 * 0.0004;

/// ||found - exact|| / ||exact|| over all prompts, positions and tokens.
double relative_error(const Model& model, const std::vector<LogitPrompt>& prompts,
                      const std::vector<Matrix>& exact) {
  double difference = 0, size = 0;
  for (std::size_t n = 0; n < prompts.size(); ++n) {
    difference += (library_logits(model, KvType::f32, prompts[n].ids) - exact[n]).squaredNorm();
    size += exact[n].squaredNorm();
  }
  return std::sqrt(difference / size);
}

}  // namespace

TEST_CASE("logits are as close to the exact ones as llama.cpp's") {
  const Model model = Model::load(golden::target_path());
  const std::vector<LogitPrompt> prompts = golden::logit_prompts();
  const std::vector<Matrix> exact = exact_logits(prompts);
  double mean = 0, llama_mean = 0;
  for (const auto& [type, kv] : {std::pair(KvType::f32, "f32"), std::pair(KvType::f16, "f16")}) {
    const Distances d = measure(model, type, kv, prompts, exact);
    const golden::Agreement llama = golden::llama_agreement(kv);
    report(kv, d, llama);
    // README.md's tolerance for activations in Q8_0.
    CHECK(d.agreement.max <= 0.3);
    CHECK(d.agreement.mean <= 0.02);
    CHECK(d.agreement.same_best >= 0.995);
    CHECK(d.kl_mean <= 2e-5);
    CHECK(d.agreement.max <= llama.max);
    mean += d.agreement.mean / 2;
    llama_mean += llama.mean / 2;
  }
  CHECK(mean <= llama_mean + kChance);
  // q8_0 rows keep to the same tolerance, over 1,000 positions of the long prompts too
  const Distances d = measure(model, KvType::q8_0, "f16", prompts, exact);
  report("q8_0, beside llama.cpp with f16", d, golden::llama_agreement("f16"));
  CHECK(d.agreement.max <= 0.3);
  CHECK(d.agreement.mean <= 0.02);
  CHECK(d.agreement.same_best >= 0.995);
  CHECK(d.kl_mean <= 2e-5);
}

TEST_CASE("activations of 16 bits leave little of the distance") {
  const std::vector<LogitPrompt> prompts = golden::logit_prompts();
  const std::vector<Matrix> exact = exact_logits(prompts);
  const auto load = [](ActivationType activations) {
    LoadOptions options;
    options.activations = activations;
    return Model::load(golden::target_path(), options);
  };
  const Model wide = load(ActivationType::int16);
  const double int8 = relative_error(load(ActivationType::int8), prompts, exact),
               int16 = relative_error(wide, prompts, exact);
  MESSAGE("relative L2 distance from the exact logits: int8 " << int8 << ", int16 " << int16);
  CHECK(int16 < 1e-3);
  CHECK(int16 < int8 / 50);
  const Distances d = measure(wide, KvType::f32, "f32", prompts, exact);
  report("f32, int16", d, golden::llama_agreement("f32"));
  CHECK(d.agreement.max <= 2e-3);
}

}  // namespace gemma4
