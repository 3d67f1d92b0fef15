// What the library writes, predicts and renders, against the golden files.
#include <doctest/doctest.h>

#include <cmath>

#include "gemma4/gemma4.hpp"
#include "golden/golden_files.hpp"

namespace gemma4 {
namespace {

void check_continuations(const std::string& path, KvType kv,
                         golden::Greedy golden::Continuation::*expected) {
  const Model model = Model::load(path);
  SessionOptions options;
  options.context_tokens = 4096;
  options.kv = kv;
  int whole = 0, all = 0;
  for (const golden::Continuation& prompt : golden::continuations()) {
    CAPTURE(prompt.name);
    Session session(model, options);
    session.append_tokens(prompt.ids);
    const golden::Greedy& greedy = prompt.*expected;
    std::size_t equal = 0;
    while (equal < greedy.tokens.size() && session.decode_step() == greedy.tokens[equal]) ++equal;
    CHECK(equal >= greedy.first_small_margin);
    whole += equal == greedy.tokens.size();
    ++all;
  }
  MESSAGE(whole << " of " << all << " continuations are equal to their end");
  CHECK(all == 33);
}

double perplexity(const Model& model, KvType kv) {
  double nll = 0, predicted = 0;
  for (const std::string& document : golden::held_out_documents()) {
    SessionOptions options;
    options.context_tokens = 2048;
    options.kv = kv;
    Session session(model, options);
    std::vector<Token> ids = {model.tokenizer().bos()};
    const std::vector<Token> text = model.tokenizer().encode(document, SpecialTokens::all);
    ids.insert(ids.end(), text.begin(), text.end());
    session.prefill_tokens(ids, [&](std::uint32_t position, std::span<const float> logits) {
      if (position + 1 == ids.size()) return;
      double sum = 0;
      for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
      nll +=
          std::log(sum) - static_cast<double>(logits[static_cast<std::size_t>(ids[position + 1])]);
      ++predicted;
    });
  }
  CHECK(predicted == golden::perplexity("exact").tokens);
  return std::exp(nll / predicted);
}

/// Relative distance (L2) of the logits that logits.f32 holds, keys and values in f32.
double distance_from_exact(const std::string& path, ActivationType activations) {
  LoadOptions load;
  load.activations = activations;
  const Model model = Model::load(path, load);
  double difference = 0, all = 0;
  for (const golden::LogitPrompt& prompt : golden::logit_prompts()) {
    if (prompt.full.empty()) continue;
    Session session(model, {.context_tokens = 2048, .kv = KvType::f32});
    session.prefill_tokens(prompt.ids, [&](std::uint32_t at, std::span<const float> logits) {
      for (std::size_t i = 0; i < prompt.positions.size(); ++i) {
        if (prompt.positions[i] != at) continue;
        for (std::size_t k = 0; k < logits.size(); ++k) {
          const double exact = static_cast<double>(prompt.full[i][k]);
          difference += std::pow(static_cast<double>(logits[k]) - exact, 2);
          all += exact * exact;
        }
      }
    });
  }
  REQUIRE(all > 0);
  return std::sqrt(difference / all);
}

}  // namespace

TEST_CASE("the distance from the exact logits: 8 and 16 bits, Q4_0 and W4A16, and what is chosen") {
  for (const auto& [path, chosen] : {std::pair(golden::target_path(), ActivationType::int8),
                                     {golden::folder_path(), ActivationType::int16}}) {
    CAPTURE(path);
    const double int8 = distance_from_exact(path, ActivationType::int8),
                 int16 = distance_from_exact(path, ActivationType::int16);
    MESSAGE(path << ": int8 " << int8 << ", int16 " << int16);
    CHECK(int8 < 0.02);
    CHECK(int16 < 1e-3);
    CHECK(int16 < int8 / 10);
    CHECK(Model::load(path).info().activations == chosen);
  }
}

TEST_CASE(
    "greedy continuations with f32 keys and values are llama.cpp's up to the first small margin") {
  check_continuations(golden::target_path(), KvType::f32, &golden::Continuation::f32);
}

TEST_CASE(
    "greedy continuations with f16 keys and values are llama.cpp's up to the first small margin") {
  check_continuations(golden::target_path(), KvType::f16, &golden::Continuation::f16);
}

TEST_CASE("the W4A16 folder of the same weights gives the same continuations") {
  check_continuations(golden::folder_path(), KvType::f32, &golden::Continuation::f32);
  check_continuations(golden::folder_path(), KvType::f16, &golden::Continuation::f16);
}

TEST_CASE("perplexity of the W4A16 folder is within 0.1 % of the exact one") {
  const Model model = Model::load(golden::folder_path());
  const double exact = golden::perplexity("exact").perplexity,
               found = perplexity(model, KvType::f16);
  MESSAGE("exact " << exact << "; folder " << found);
  CHECK(std::fabs(found / exact - 1) < 0.001);
}

TEST_CASE("greedy continuations with q8_0 rows are those of f32 up to the first small margin") {
  check_continuations(golden::target_path(), KvType::q8_0, &golden::Continuation::f32);
}

TEST_CASE("perplexity is within 0.1 % of the exact one, and with q8_0 rows of that with f32") {
  const Model model = Model::load(golden::target_path());
  const double exact = golden::perplexity("exact").perplexity;
  const double f32 = perplexity(model, KvType::f32), f16 = perplexity(model, KvType::f16),
               q8_0 = perplexity(model, KvType::q8_0);
  MESSAGE("exact " << exact << "; f32 " << f32 << " (llama.cpp "
                   << golden::perplexity("f32").perplexity << "); f16 " << f16 << " (llama.cpp "
                   << golden::perplexity("f16").perplexity << "); q8_0 " << q8_0);
  CHECK(std::fabs(f32 / exact - 1) < 0.001);
  CHECK(std::fabs(f16 / exact - 1) < 0.001);
  CHECK(std::fabs(q8_0 / exact - 1) < 0.001);
  CHECK(std::fabs(q8_0 / f32 - 1) < 0.001);
}

TEST_CASE("a session holds the golden ids of a chat") {
  const Model model = Model::load(golden::target_path());
  int cases = 0;
  for (const golden::ChatCase& item : golden::chat_cases()) {
    CAPTURE(item.prompt);
    Session session(model, {.context_tokens = 1024});
    session.append(item.chat);
    const std::vector<Token> tokens(session.tokens().begin(), session.tokens().end());
    CHECK(tokens == item.ids);
    ++cases;
  }
  CHECK(cases == 28);
}

}  // namespace gemma4
