// Prompt lookup: what is found, what is preferred, and that it never needs more memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "decode/allocation_counter.hpp"
#include "decode/ngram_index.hpp"
#include "gemma4/drafter.hpp"

namespace gemma4::test {
namespace {

struct Collected final : DraftSink {
  std::vector<Token> tokens;
  std::vector<float> confidences;
  std::uint32_t room = kMostDrafts;
  bool add(Token token, float confidence) override {
    tokens.push_back(token);
    confidences.push_back(confidence);
    return tokens.size() < room;
  }
};

Collected ask(Drafter& drafter, const std::vector<Token>& tokens, std::uint32_t most = 7) {
  static const SamplingOptions sampling;
  Collected draft;
  draft.room = most;
  drafter.propose({tokens, sampling, static_cast<std::uint32_t>(tokens.size()), most}, draft);
  return draft;
}

std::vector<Token> draft_of(const std::vector<Token>& tokens, std::uint32_t most = 7) {
  NgramDrafter drafter(1000);
  return ask(drafter, tokens, most).tokens;
}

using Tokens = std::vector<Token>;

/// The definition: over all earlier positions, the longest common suffix of at most kLongest.
std::uint32_t longest_match(const Tokens& tokens) {
  std::uint32_t longest = 0;
  for (std::size_t p = 2; p < tokens.size(); ++p) {
    std::uint32_t length = 0;
    while (length < std::min<std::size_t>(p, NgramIndex::kLongest) &&
           tokens[p - 1 - length] == tokens[tokens.size() - 1 - length])
      ++length;
    if (length >= NgramIndex::kShortest) longest = std::max(longest, length);
  }
  return longest;
}

}  // namespace

TEST_CASE("what followed the latest tokens before is proposed") {
  CHECK(draft_of({1, 2, 3, 4, 5, 6, 9, 1, 2}, 3) == Tokens{3, 4, 5});
  CHECK(draft_of({1, 2, 3, 4, 5, 6, 9, 1, 2}) == Tokens{3, 4, 5, 6, 9, 1, 2});
  CHECK(draft_of({1, 2, 3, 4, 5, 6, 9, 8, 2}).empty());  // one token alone is no match
  CHECK(draft_of({}).empty());
  CHECK(draft_of({7}).empty());
  CHECK(draft_of({7, 7}).empty());
}

TEST_CASE("a text that repeats itself is continued beyond its end") {
  CHECK(draft_of({5, 6, 7, 5, 6, 7, 5}) == Tokens{6, 7, 5, 6, 7, 5, 6});
  CHECK(draft_of({4, 4, 4}) == Tokens{4, 4, 4, 4, 4, 4, 4});
}

TEST_CASE("longer matches win, then frequent continuations, then late ones") {
  CHECK(draft_of({9, 1, 2, 30, 8, 1, 2, 40, 9, 1, 2}, 1) == Tokens{30});
  CHECK(draft_of({1, 2, 30, 8, 1, 2, 30, 7, 1, 2, 40, 6, 1, 2}, 1) == Tokens{30});
  CHECK(draft_of({1, 2, 30, 8, 1, 2, 40, 7, 1, 2}, 1) == Tokens{40});
}

TEST_CASE("the index finds the longest match, whatever comes, across rewinds") {
  std::mt19937 random(1);
  NgramIndex index(600);
  Tokens tokens;
  int matches = 0;
  for (int step = 0; step < 4000; ++step) {
    if (tokens.size() > 20 && random() % 40 == 0) {
      tokens.resize(tokens.size() - 1 - random() % 15);
      index.rewound();
    }
    if (tokens.size() > 500) {
      tokens.clear();
      index.rewound();
    }
    tokens.push_back(static_cast<Token>(random() % 12));
    index.update(tokens);
    const NgramMatch match = index.find(tokens, 0);
    const std::uint32_t expected = longest_match(tokens);
    // the walk is bounded: with 144 pairs and 500 tokens few lists are longer
    REQUIRE(match.length == expected);
    if (match.length == 0) continue;
    ++matches;
    REQUIRE(match.source < tokens.size());
    for (std::uint32_t i = 1; i <= match.length; ++i)
      REQUIRE(tokens[match.source - i] == tokens[tokens.size() - i]);
  }
  CHECK(matches > 2000);
}

TEST_CASE("a small index looks back as far as it is large, and survives any length") {
  std::mt19937 random(2);
  NgramDrafter drafter(50);
  Tokens tokens;
  for (int i = 0; i < 5000; ++i) {
    tokens.push_back(static_cast<Token>(random() % 7));
    for (const Token token : ask(drafter, tokens).tokens) REQUIRE((token >= 0 && token < 7));
  }
  // an occurrence that is too old is not found, a recent one is
  NgramDrafter fresh(50);
  Tokens text = {1000, 1001, 1002};
  for (Token t = 0; t < 60; ++t) text.push_back(t);
  text.insert(text.end(), {1000, 1001});
  CHECK(ask(fresh, text).tokens.empty());
  text.push_back(1002);
  text.insert(text.end(), {2000, 1000, 1001});
  CHECK(ask(fresh, text, 1).tokens == Tokens{1002});
}

TEST_CASE("a draft survives that the context lost tokens without a word") {
  NgramDrafter drafter(100);
  Tokens tokens = {1, 2, 3, 4, 1, 2};
  CHECK(ask(drafter, tokens, 1).tokens == Tokens{3});
  tokens = {1, 2, 9};
  CHECK(ask(drafter, tokens).tokens.empty());
  tokens = {1, 2, 9, 1, 2};
  CHECK(ask(drafter, tokens, 1).tokens == Tokens{9});
}

TEST_CASE("confidence grows with the match and follows what turned out right") {
  const Tokens shorter = {1, 2, 3, 9, 1, 2};
  const Tokens longer = {1, 2, 3, 4, 5, 6, 9, 1, 2, 3, 4, 5};
  NgramDrafter a(100), b(100);
  const float low = ask(a, shorter).confidences[0], high = ask(b, longer).confidences[0];
  CHECK(low > 0.0f);
  CHECK(low < high);
  CHECK(high < 1.0f);

  // the same pair is followed by something new each time: lookup is always wrong
  NgramDrafter wrong(1000);
  Tokens tokens;
  float first = 0, last = 0;
  for (Token i = 0; i < 100; ++i) {
    tokens.insert(tokens.end(), {1, 2});
    const Collected draft = ask(wrong, tokens);
    if (i == 1) first = draft.confidences.at(0);
    if (i == 99) last = draft.confidences.at(0);
    tokens.push_back(100 + i);
    (void)ask(wrong, tokens);
  }
  CHECK(last < 0.1f);
  CHECK(last < first);

  // and always right
  NgramDrafter right(1000);
  tokens.clear();
  for (Token i = 0; i < 200; ++i) {
    tokens.push_back(i % 20);
    const Collected draft = ask(right, tokens);
    if (!draft.confidences.empty()) last = draft.confidences[0];
  }
  CHECK(last > 0.95f);
}

TEST_CASE("what is trusted too little is not proposed") {
  const Tokens tokens = {1, 2, 3, 9, 1, 2};
  NgramDrafter strict(100, 0.99f), easy(100, 0.0f);
  CHECK(ask(strict, tokens).tokens.empty());
  CHECK_FALSE(ask(easy, tokens).tokens.empty());
}

TEST_CASE("n-gram lookup allocates only when it is made, and as much as it says") {
  std::mt19937 random(3);
  static const SamplingOptions sampling;
  Tokens tokens;
  tokens.reserve(2000);
  NgramDrafter drafter(2000);
  Collected draft;
  draft.tokens.reserve(100000);
  draft.confidences.reserve(100000);
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 2000; ++i) {
    tokens.push_back(static_cast<Token>(random() % 20));
    drafter.propose({tokens, sampling, static_cast<std::uint32_t>(tokens.size()), 7}, draft);
    if (i % 100 == 99) drafter.rewound(static_cast<std::uint32_t>(tokens.size() - 5));
  }
  CHECK(allocation_count() == before);
  CHECK_FALSE(draft.tokens.empty());
  CHECK(NgramDrafter::bytes(2000) == NgramIndex::bytes(2000));
  CHECK(NgramIndex::bytes(2000) == (2000 + 2048) * 4);
}

TEST_CASE("FirstOf takes the first draft there is and tells its author alone") {
  struct Scripted final : Drafter {
    std::vector<Token> answer;
    int asked = 0, told = 0;
    std::vector<std::uint32_t> rewinds;
    void propose(const DraftRequest&, DraftSink& draft) override {
      ++asked;
      for (const Token token : answer) {
        if (!draft.add(token)) return;
      }
    }
    void verified(const DraftVerdict&) override { ++told; }
    void rewound(std::uint32_t position) override { rewinds.push_back(position); }
  };
  const auto first = std::make_shared<Scripted>(), second = std::make_shared<Scripted>();
  FirstOf both({nullptr, first, std::make_shared<NoDrafter>(), second});
  const Tokens context = {1, 2, 3};
  CHECK(ask(both, context).tokens.empty());
  both.verified({});
  CHECK(first->told + second->told == 0);
  second->answer = {4, 5};
  CHECK(ask(both, context).tokens == Tokens{4, 5});
  both.verified({});
  CHECK(first->told == 0);
  CHECK(second->told == 1);
  first->answer = {6};
  CHECK(ask(both, context).tokens == Tokens{6});
  both.verified({});
  CHECK(first->told == 1);
  CHECK(second->told == 1);
  CHECK(first->asked == 3);
  CHECK(second->asked == 2);
  both.rewound(2);
  CHECK(first->rewinds == std::vector<std::uint32_t>{2});
  CHECK(second->rewinds == std::vector<std::uint32_t>{2});
  FirstOf nobody({});
  CHECK(ask(nobody, context).tokens.empty());
}

}  // namespace gemma4::test
