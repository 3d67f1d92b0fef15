// The tokenizer against ids that other programs computed.
#include "text/fixtures.hpp"

namespace gemma4::test {
namespace {

void check_case(const Tokenizer::Impl& tokenizer, simdjson::dom::element test) {
  const std::string text = string_of(test["text"]);
  const std::vector<Token> expected = ids_of(test["ids"]);
  CAPTURE(text);
  std::vector<SpecialTokens> ways;
  if (bool parse_special = false; test["parse_special"].get(parse_special) == simdjson::SUCCESS) {
    ways = {parse_special ? SpecialTokens::all : SpecialTokens::user_defined};
  } else {
    ways = {SpecialTokens::all, SpecialTokens::user_defined};  // "any"
  }
  for (const SpecialTokens special : ways) {
    CHECK(encode(tokenizer, text, special) == expected);
  }
  if (std::string_view back; test["text_back"].get(back) == simdjson::SUCCESS) {
    CHECK(decode(tokenizer, expected, true) == back);
  }
}

}  // namespace

TEST_CASE("the tiny vocabulary agrees with llama.cpp") {
  simdjson::dom::parser parser;
  for (const auto test : golden(parser, "tokenize.json")["cases"].get_array()) {
    check_case(tiny(), test);
  }
}

TEST_CASE("the real vocabulary agrees with the published vectors") {
  const Tokenizer::Impl* tokenizer = real_or_skip();
  if (tokenizer == nullptr) return;
  simdjson::dom::parser parser;
  for (const auto test : golden(parser, "tokenizer-vectors.json").get_array()) {
    check_case(*tokenizer, test);
  }
}

TEST_CASE("the real vocabulary agrees with the pairs that are published beside it") {
  const Tokenizer::Impl* tokenizer = real_or_skip();
  if (tokenizer == nullptr) return;
  const std::string inputs = read_file(real_vocabulary_path() + ".inp");
  std::ifstream outputs(real_vocabulary_path() + ".out");
  const std::string separator = "\n__ggml_vocab_test__\n";
  int cases = 0;
  for (std::size_t begin = 0; begin < inputs.size(); ++cases) {
    const std::size_t end = std::min(inputs.find(separator, begin), inputs.size());
    const std::string text = inputs.substr(begin, end - begin);
    std::string line;
    REQUIRE(std::getline(outputs, line));
    std::istringstream numbers(line);
    const std::vector<Token> expected{std::istream_iterator<Token>(numbers),
                                      std::istream_iterator<Token>()};
    CAPTURE(text);
    CHECK(encode(*tokenizer, text, SpecialTokens::user_defined) == expected);
    begin = end + separator.size();
  }
  CHECK(cases == 46);
}

}  // namespace gemma4::test
