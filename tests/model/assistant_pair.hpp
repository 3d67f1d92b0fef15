// A synthetic model with its assistant, and rounds of drafts with it.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gemma4/gemma4.hpp"
#include "io/temporary_folder.hpp"
#include "model/draft_session.hpp"
#include "weights/synthetic_assistant.hpp"

namespace gemma4::test {

inline std::vector<Token> prompt(std::size_t size,
                                 std::uint32_t vocabulary = SyntheticModel::kVocabulary) {
  Random random(31);
  std::vector<Token> tokens = {2};
  while (tokens.size() < size) tokens.push_back(static_cast<Token>(random.bits() % vocabulary));
  return tokens;
}

/// A model and its assistant on disk.
struct Pair {
  TemporaryFolder folder;
  std::string model, assistant;

  explicit Pair(const SyntheticModel& m = {}, const SyntheticAssistant& a = {})
      : model(folder.write("model.gguf", m.bytes())),
        assistant(folder.write("assistant.gguf", a.bytes())) {}

  Model load(int threads = 1, Isa isa = Isa::automatic) const {
    LoadOptions options;
    options.threads = threads;
    options.isa = isa;
    options.assistant = assistant;
    return Model::load(model, options);
  }
};

/// What a round of three steps gives, one after another.
inline std::vector<float> round_of(DraftSession& session) {
  std::vector<float> all;
  for (int i = 0; i < 3; ++i) {
    REQUIRE((i == 0 ? session.start(17) : session.go_on(session.assistant().best()[0].token)));
    for (const DraftChoice& choice : session.assistant().best()) {
      all.push_back(choice.logit);
      all.push_back(static_cast<float>(choice.token));
    }
    all.push_back(session.assistant().confidence());
    for (const float value : session.assistant().next_hidden()) all.push_back(value);
  }
  return all;
}

inline std::vector<float> round_after(const Model& model, std::size_t tokens,
                                      KvType kv = KvType::f16, std::uint32_t choices = 16) {
  DraftSession session(model, kv, choices);
  session.evaluate(prompt(tokens));
  return round_of(session);
}

/// Steps that are cancelled, before they begin and at moments `yields` apart, say so and leave no
/// trace in the rounds that follow.
inline void check_cancelled_steps(const Model& model, int yields) {
  const std::vector<float> expected = round_after(model, 30);
  DraftSession session(model, KvType::f16, 16);
  session.evaluate(prompt(30));
  std::atomic<bool> cancel{true};
  CHECK(!session.start(17, &cancel));
  CHECK(same_bits(round_of(session), expected));
  for (int i = 0; i < 20; ++i) {
    cancel = false;
    std::thread other([&, i] {
      for (int wait = 0; wait < i * yields; ++wait) std::this_thread::yield();
      cancel = true;
    });
    while (session.start(17, &cancel)) {
    }
    other.join();
    CHECK(same_bits(round_of(session), expected));
  }
}

}  // namespace gemma4::test
