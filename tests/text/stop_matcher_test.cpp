// Stop texts in a stream: the outcome never depends on how the text is cut.
#include "text/stop_matcher.hpp"

#include <random>

#include "text/fixtures.hpp"

namespace gemma4::test {
namespace {

using Stops = std::vector<std::string>;

struct Outcome {
  std::string text;
  bool stopped = false;
  bool operator==(const Outcome&) const = default;
};

/// By definition: the first stop text to be complete, the longest of those that end together.
Outcome defined(const std::string& text, const Stops& stops) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      if (!stop.empty() && text.substr(0, end).ends_with(stop))
        longest = std::max(longest, stop.size());
    }
    if (longest > 0) return {text.substr(0, end - longest), true};
  }
  return {text, false};
}

Outcome streamed(const std::vector<std::string>& pieces, const Stops& stops) {
  StopMatcher matcher;
  matcher.start(stops);
  Outcome outcome;
  for (const std::string& piece : pieces) {
    if (matcher.feed(piece, outcome.text)) {
      outcome.stopped = true;
      return outcome;
    }
  }
  matcher.release(outcome.text);
  return outcome;
}

}  // namespace

TEST_CASE("every cut of a text gives the same outcome") {
  const Stops stops = {"STOP", "TOPS", "aab", "b", "", "\xc3\xa9nd"};
  for (const std::string text : {"xxSTOPyy", "STSTOP", "aaaab", "aab", "no", "SSTOTOPS",
                                 "th\xc3\xa9\xc3\xa9nd", "STO", ""}) {
    const Outcome expected = defined(text, stops);
    for (std::size_t i = 0; i <= text.size(); ++i) {
      for (std::size_t j = i; j <= text.size(); ++j) {
        CHECK(streamed({text.substr(0, i), text.substr(i, j - i), text.substr(j)}, stops) ==
              expected);
      }
    }
  }
}

TEST_CASE("random texts over a small alphabet") {
  std::mt19937 random(3);
  const auto word = [&](unsigned limit) {
    std::string made(random() % limit, 'a');
    for (char& c : made) c = static_cast<char>('a' + random() % 3);
    return made;
  };
  for (int i = 0; i < 20000; ++i) {
    const Stops stops = {word(7), word(5), word(9)};
    std::vector<std::string> pieces(random() % 8);
    std::string text;
    for (std::string& piece : pieces) text += piece = word(6);
    CHECK(streamed(pieces, stops) == defined(text, stops));
  }
}

TEST_CASE("no more is held back than could still become a stop text") {
  StopMatcher matcher;
  matcher.start(Stops{"abcd", "cx"});
  const auto fed = [&](const char* text) {
    std::string out;
    matcher.feed(text, out);
    return out;
  };
  CHECK(fed("xab") == "x");
  CHECK(fed("c") == "");
  CHECK(fed("e") == "abce");
  CHECK(fed("abc") == "");
  CHECK(fed("abc") == "abc");
  std::string out;
  matcher.release(out);
  CHECK(out == "abc");
  CHECK(fed("d") == "d");
}

TEST_CASE("a stop text must be UTF-8") {
  StopMatcher matcher;
  CHECK(contains(refusal(ErrorCode::invalid_argument,
                         [&] {
                           matcher.start(Stops{"ok", "\x80"});
                         }),
                 "stop[1]: not UTF-8"));
}

}  // namespace gemma4::test
