// The answer parser allocates nothing once its buffers have grown.
#include "decode/allocation_counter.hpp"
#include "text/answer_parser.hpp"
#include "text/fixtures.hpp"

namespace gemma4::test {

TEST_CASE("the second answer of a kind costs no allocation") {
  const std::vector<Token> tokens =
      encode(tiny(),
             "<|channel>thought\nHm, a cow.\n<channel|>Let me look, \xf0\x9f\x98\x80!"
             "<|tool_call>call:sound{animal:<|\"|>cow<|\"|>,n:[1,{k:true}]}<tool_call|>"
             "<|tool_call>nonsense<tool_call|>A cow moos.",
             SpecialTokens::all);
  const std::vector<std::string> stops = {"moot", "look at"};
  AnswerParser parser(tiny(), false);
  std::uint64_t counted = 0;
  int events = 0;
  for (int round = 0; round < 2; ++round) {
    parser.start({}, stops);
    const std::uint64_t before = allocation_count();
    events = 0;
    for (const Token token : tokens) {
      parser.feed(token);
      for (Event event; parser.take(event);) ++events;
    }
    parser.finish();
    counted = allocation_count() - before;
  }
  CHECK(events > 10);
  CHECK(counted == 0);
}

}  // namespace gemma4::test
