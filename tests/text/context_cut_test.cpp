// What a full context gives up: whole turns, the oldest first; half of a text without any.
#include "text/context_cut.hpp"

#include "text/fixtures.hpp"

namespace gemma4::test {
namespace {

const std::string kSystem = "<bos><|turn>system\nBe brief.<turn|>\n";
const std::string kA = "<|turn>user\nOne?<turn|>\n", kB = "<|turn>model\nYes.<turn|>\n",
                  kC = "<|turn>user\nTwo?<turn|>\n", kD = "<|turn>model\nNo, and";

std::uint32_t length(const std::string& text) {
  return static_cast<std::uint32_t>(encode(tiny(), text, SpecialTokens::all).size());
}

/// What is left of a text, the place of the cut marked; "nothing" where it cannot be cut.
std::string cut(const std::string& text, const CutRequest& request) {
  const std::vector<Token> tokens = encode(tiny(), text, SpecialTokens::all);
  const auto found = context_cut(tiny(), tokens, request);
  if (!found) return "nothing";
  CHECK(found->begin < found->end);
  CHECK(found->tokens() >= request.least);
  CHECK(found->end <= tokens.size());
  std::string left;
  for (std::uint32_t i = 0; i <= tokens.size(); ++i) {
    if (i == found->begin) left += "~";
    if (i < tokens.size() && (i < found->begin || i >= found->end))
      left += tiny().piece(tokens[i], true);
  }
  return left;
}

}  // namespace

TEST_CASE("the oldest turns go, up to where the user speaks again") {
  CHECK(cut(kSystem + kA + kB + kC + kD, {}) == kSystem + "~" + kC + kD);
  CHECK(cut("<bos>" + kA + kB + kC + kD, {}) == "<bos>~" + kC + kD);
  // more has to go than the user's border gives
  const std::uint32_t old = length(kA + kB);
  CHECK(cut(kSystem + kA + kB + kC + kD, {.least = old}) == kSystem + "~" + kC + kD);
  CHECK(cut(kSystem + kA + kB + kC + kD, {.least = old + 1}) == kSystem + "~" + kD);
  CHECK(cut(kSystem + kC + kD, {}) == kSystem + "~" + kD);
}

TEST_CASE("half of the rest goes, not all that could") {
  std::string many, late;
  for (int i = 0; i < 10; ++i) (i < 5 ? many : late) += kA + kB;
  CHECK(cut(kSystem + many + late, {}) == kSystem + "~" + late);
}

TEST_CASE("a turn is not torn") {
  CHECK(cut(kSystem + kD, {}) == "nothing");
  CHECK(cut(kSystem + kD, {.everything = true}) == kSystem + "~");
  CHECK(cut(kSystem, {}) == "nothing");
  CHECK(cut(kSystem + kA + kB, {.least = 1000, .everything = true}) == "nothing");
}

TEST_CASE("the first tokens stay, to the end of their turn") {
  const std::uint32_t inside = length(kSystem + "<|turn>user\nOn");
  const std::string text = kSystem + kA + kB + kC + kD;
  CHECK(cut(text, {.keep_first = inside}) == kSystem + kA + "~" + kC + kD);
  CHECK(cut(text, {.keep_first = length(kSystem)}) == kSystem + "~" + kC + kD);
  CHECK(cut(text, {.keep_first = length(kSystem + kA + kB + kC) + 2}) == "nothing");
  CHECK(cut(text, {.keep_first = 1'000'000}) == "nothing");
}

TEST_CASE("text without turns loses the older half") {
  const std::vector<Token> tokens(101, 700);
  const auto found = [&](const CutRequest& request) {
    const auto made = context_cut(tiny(), tokens, request);
    return made ? std::pair(made->begin, made->end) : std::pair(0u, 0u);
  };
  using Pair = std::pair<std::uint32_t, std::uint32_t>;
  CHECK(found({}) == Pair(0, 50));
  CHECK(found({.keep_first = 21}) == Pair(21, 61));
  CHECK(found({.keep_first = 21, .least = 79}) == Pair(21, 100));
  CHECK(found({.keep_first = 21, .least = 80}) == Pair(0, 0));  // the last one stays
  CHECK(found({.keep_first = 21, .least = 80, .everything = true}) == Pair(21, 101));
  CHECK(found({.keep_first = 100}) == Pair(0, 0));
  CHECK(!context_cut(tiny(), {}, {}));
}

}  // namespace gemma4::test
