// Answers token by token.
#include "text/answer_parser.hpp"

#include <random>

#include "text/fixtures.hpp"
#include "text/utf8.hpp"

namespace gemma4::test {
namespace {

using Stops = std::vector<std::string>;

const std::string kThought = "<|channel>thought\n";

std::vector<Token> tokens_of(std::string_view text) {
  return encode(tiny(), text, SpecialTokens::all);
}

/// The events as one line: T(text) for thinking, C(name arguments) for calls, all else text;
/// adjacent ones joined.
class Transcript {
 public:
  void add(AnswerParser& parser) {
    for (Event event; parser.take(event);) {
      CHECK(is_valid_utf8(event.text));
      CHECK_FALSE((event.text.empty() && event.kind != Event::Kind::tool_call));
      if (event.kind == Event::Kind::tool_call) {
        close();
        line_ += "C(" + std::string(event.tool_name) + " " + std::string(event.text) + ")";
      } else if (event.kind == Event::Kind::thinking) {
        if (!thinking_) line_ += "T(";
        thinking_ = true;
        line_ += event.text;
      } else {
        close();
        line_ += event.text;
      }
    }
  }

  std::string line() {
    close();
    return line_;
  }

 private:
  void close() {
    if (thinking_) line_ += ")";
    thinking_ = false;
  }

  std::string line_;
  bool thinking_ = false;
};

std::string parsed(const std::vector<Token>& tokens, const Stops& stops = {},
                   std::string_view context = "", bool raw = false) {
  AnswerParser parser(tiny(), raw);
  parser.start(tokens_of(context), stops);
  Transcript transcript;
  for (const Token token : tokens) {
    parser.feed(token);
    transcript.add(parser);
  }
  parser.finish();
  transcript.add(parser);
  return transcript.line() + (parser.stopped() ? "!" : "") + (parser.saw_tool_call() ? "?" : "");
}

std::string parsed(std::string_view text, const Stops& stops = {}, std::string_view context = "") {
  return parsed(tokens_of(text), stops, context);
}

}  // namespace

TEST_CASE("plain text") {
  CHECK(parsed("Hello world.\n") == "Hello world.\n");
  CHECK(parsed("") == "");
  CHECK(parsed("Hello<turn|>") == "Hello");
  CHECK(parsed("Hello<eos>") == "Hello");
  CHECK(parsed("a<|\"|>b") == "a<|\"|>b");
  CHECK(parsed("<pad>a<mask>b<|think|>c<unk>") == "abc");
}

TEST_CASE("a thought and an answer") {
  CHECK(parsed(kThought + "Hm, 2 + 2.\n<channel|>4") == "T(Hm, 2 + 2.)4");
  CHECK(parsed(kThought + "a\n\nb  c \n\n<channel|>x") == "T(a\n\nb  c)x");
  CHECK(parsed(kThought + "cut off\n") == "T(cut off\n)");
  CHECK(parsed("<|channel>thought still no newline<channel|>x") == "T(still no newline)x");
}

TEST_CASE("empty and stray channels vanish") {
  CHECK(parsed(kThought + "<channel|>x") == "x");
  CHECK(parsed("<|channel>thought<channel|>x") == "x");
  CHECK(parsed("<|channel><channel|>x") == "x");
  CHECK(parsed("<|channel><|channel>thought\n<channel|>x") == "x");
  CHECK(parsed("<|channel><|channel>thought\nwhy\n<channel|>x") == "T(why)x");
  CHECK(parsed("x<channel|>") == "x");
  CHECK(parsed("x<channel|>y") == "xy");
  CHECK(parsed("x" + kThought + "<channel|>") == "x");
  CHECK(parsed("<|channel>Hello") == "Hello");
  CHECK(parsed("<|channel>though it rains") == "though it rains");
  CHECK(parsed(kThought + "a<|channel>b\n<channel|>x") == "T(ab)x");
}

TEST_CASE("an echoed turn header is skipped") {
  CHECK(parsed("<|turn>model\nHello") == "Hello");
  CHECK(parsed("<|turn>model\n" + kThought + "why\n<channel|>Hello") == "T(why)Hello");
  CHECK(parsed("<|turn>mode") == "");
  CHECK(parsed("<|turn>user\nHello") == "user\nHello");
}

TEST_CASE("tool calls") {
  const std::string call = "<|tool_call>call:f{city:<|\"|>New York<|\"|>,n:[1,{}]}<tool_call|>";
  const std::string event = R"(C(f {"city":"New York","n":[1,{}]}))";
  CHECK(parsed(call + "<|tool_response>") == event + "?");
  CHECK(parsed("<|tool_call>call:f{}<tool_call|>") == "C(f {})?");
  CHECK(parsed("Let me look." + call) == "Let me look." + event + "?");
  CHECK(parsed(kThought + "why\n<channel|>" + call) == "T(why)" + event + "?");
  CHECK(parsed(kThought + "why\n" + call + "x") == "T(why)" + event + "x?");
  CHECK(parsed(call + call) == event + event + "?");
  CHECK(parsed(call + "\nDone") == event + "\nDone?");
}

TEST_CASE("what is no tool call is shown as text") {
  for (const std::string text :
       {"<|tool_call>call:f{a:<tool_call|>", "<|tool_call>nonsense<tool_call|> more",
        "<|tool_call><tool_call|>", "<|tool_call>call:f{a:<|\"|>x}<tool_call|>",
        "<|tool_call>call:f{a:1", "<|tool_call>",
        "<|tool_call>call:f{a:<|\"|>b<|channel>c<channel|><tool_response|>"}) {
    CHECK(parsed(text) == text);
  }
  CHECK(parsed("<|tool_call>call:f{<|tool_call>call:g{}<tool_call|>") ==
        "<|tool_call>call:f{C(g {})?");
  CHECK(parsed("<|tool_call>call:f{}<turn|>x") == "<|tool_call>call:f{}x");
  CHECK(parsed("x<tool_call|>y<tool_response|>z") == "xyz");
}

TEST_CASE("text that spells a marker is text") {
  const auto plain = [](std::string_view text) {
    return encode(tiny(), text, SpecialTokens::none);
  };
  CHECK(parsed(plain("<|channel>thought\nx<channel|><turn|>")) ==
        "<|channel>thought\nx<channel|><turn|>");
  std::vector<Token> tokens = tokens_of("<|tool_call>call:f{a:<|\"|>");
  for (const Token token : plain("<|\"|><tool_call|>")) tokens.push_back(token);
  for (const Token token : tokens_of("<|\"|>}<tool_call|>")) tokens.push_back(token);
  CHECK(parsed(tokens) == R"(C(f {"a":"<|\"|><tool_call|>"})?)");
}

TEST_CASE("a context that ends inside something is taken up there") {
  const std::string turn = "<bos><|turn>user\nHi<turn|>\n<|turn>model\n";
  CHECK(parsed("why\n<channel|>x", {}, turn + kThought) == "T(why)x");
  CHECK(parsed("\nwhy\n<channel|>x", {}, turn + "<|channel>thought") == "T(why)x");
  CHECK(parsed("ght\nwhy\n<channel|>x", {}, turn + "<|channel>thou") == "T(why)x");
  CHECK(parsed(" more\n<channel|>x", {}, turn + kThought + "why") == "T( more)x");
  CHECK(parsed("Hello", {}, turn + kThought + "why\n<channel|>") == "Hello");
  CHECK(parsed("Hello", {}, turn + "<|channel>thought\n<channel|>") == "Hello");
  CHECK(parsed("<|\"|>}<tool_call|>", {}, turn + "<|tool_call>call:f{a:<|\"|>b") ==
        R"(C(f {"a":"b"})?)");
  CHECK(parsed("Hello", {}, turn + "<|tool_call>call:f{}<tool_call|>") == "Hello");
}

TEST_CASE("stop texts end the visible text") {
  CHECK(parsed("Hello world", {" wor"}) == "Hello!");
  CHECK(parsed("Hello world", {"xyz", ""}) == "Hello world");
  CHECK(parsed("Hello wo", {" world"}) == "Hello wo");
  CHECK(parsed(kThought + "a STOP b\n<channel|>x STOP y", {"STOP"}) == "T(a STOP b)x !");
  CHECK(parsed("<|tool_call>call:f{a:<|\"|>STOP<|\"|>}<tool_call|>xSTOP", {"STOP"}) ==
        R"(C(f {"a":"STOP"})x!?)");
  CHECK(parsed("ST<channel|>OP", {"STOP"}) == "!");  // the stray between them gives no text
  CHECK(parsed("ST<|tool_call>call:f{}<tool_call|>OP", {"STOP"}) == "STC(f {})OP?");
  CHECK(parsed("ST" + kThought + "why\n<channel|>OP", {"STOP"}) == "STT(why)OP");
  CHECK(parsed("<|tool_call>STOP<tool_call|>", {"STOP"}) == "<|tool_call>!");
}

TEST_CASE("stop texts are found however the tokens split them") {
  // Every way to write the text with one token a character or one token a pair of them.
  const std::string text = "xy.stop.z";
  for (const std::string stop : {".stop.", "y.s", "stop", "z", "x"}) {
    for (unsigned mask = 0; mask < 256; ++mask) {
      std::vector<Token> tokens;
      for (std::size_t i = 0; i < text.size();) {
        const auto pair = tiny().find(text.substr(i, 2));
        const bool take_pair = (mask >> i & 1) != 0 && i + 1 < text.size() && pair;
        tokens.push_back(take_pair ? *pair : *tiny().find(text.substr(i, 1)));
        i += take_pair ? 2 : 1;
      }
      CHECK(parsed(tokens, {stop}) == text.substr(0, text.find(stop)) + "!");
    }
  }
}

TEST_CASE("characters made of byte tokens come whole") {
  const std::string text = "\xf0\x9f\x98\x80 smile \xf0\x9f\x9a\x80";  // not in the tiny vocabulary
  CHECK(parsed(text) == text);
  CHECK(parsed(text, {"\xf0\x9f\x9a\x80"}) == "\xf0\x9f\x98\x80 smile !");
  std::vector<Token> cut = tokens_of(text);
  cut.pop_back();
  CHECK(parsed(cut) == "\xf0\x9f\x98\x80 smile \xef\xbf\xbd");
  cut.push_back(tiny().special_ids().channel_close);
  cut.push_back(*tiny().find("a"));
  CHECK(parsed(cut) ==
        "\xf0\x9f\x98\x80 smile \xef\xbf\xbd"
        "a");
}

TEST_CASE("raw answers show everything and parse nothing") {
  const std::string text =
      kThought + "x<channel|><|tool_call>call:f{a:<|\"|>STOP<|\"|>}<tool_call|><turn|>";
  CHECK(parsed(tokens_of(text), {}, "", true) == text);
  CHECK(parsed(tokens_of(text), {"STOP"}, "", true) == text.substr(0, text.find("STOP")) + "!");
  CHECK(parsed(tokens_of("x<turn|>y"), {"<turn|>"}, kThought, true) == "x!");
}

TEST_CASE("nothing comes after a stop text") {
  AnswerParser parser(tiny(), false);
  parser.start({}, Stops{"b"});
  Event event;
  for (const Token token : tokens_of("a b")) parser.feed(token);
  CHECK(parser.stopped());
  parser.feed(*tiny().find("c"));
  CHECK_FALSE(parser.take(event));
  parser.finish();
  CHECK_FALSE(parser.take(event));
  parser.start({}, {});
  CHECK_FALSE(parser.stopped());
  parser.feed(*tiny().find("c"));
  REQUIRE(parser.take(event));
  CHECK(event.text == "c");
}

TEST_CASE("tokens outside the vocabulary are ignored") {
  CHECK(parsed(std::vector<Token>{-1, 1 << 20, *tiny().find("a"), 1536}) == "a");
}

TEST_CASE("any sequence of tokens gives the same text as decoding, markers aside") {
  std::mt19937 random(5);
  const SpecialIds& ids = tiny().special_ids();
  for (int i = 0; i < 300; ++i) {
    std::vector<Token> tokens(random() % 60);
    std::string plain;
    Utf8Stream utf8;
    for (Token& token : tokens) {
      do {
        token = static_cast<Token>(random() % 1536);
      } while (tiny().is_special(token) && token != ids.padding);
      utf8.feed(tiny().piece(token, false), plain);
    }
    utf8.flush(plain);
    CHECK(parsed(tokens) == plain);
  }
}

TEST_CASE("random markers never break it") {
  std::mt19937 random(6);
  const std::vector<Token> likely = tokens_of(
      "<|channel>thought\n<channel|><|tool_call>call:f{a:<|\"|>1,[]}<tool_call|><|turn>model\n<"
      "turn|>");
  for (int i = 0; i < 3000; ++i) {
    std::vector<Token> tokens(random() % 40);
    for (Token& token : tokens) {
      token = random() % 4 == 0 ? static_cast<Token>(random() % 1536)
                                : likely[random() % likely.size()];
    }
    parsed(tokens, {"call", "{a"}, i % 2 == 0 ? "" : kThought);
  }
}

}  // namespace gemma4::test
