// Loading vocabularies: what must work, and what must be refused with a message that helps.
#include <algorithm>

#include "text/fixtures.hpp"
#include "text/synthetic_vocabulary.hpp"

namespace gemma4::test {
namespace {

std::string format_refusal(const SyntheticVocabulary& vocabulary) {
  return refusal(ErrorCode::format, [&] { vocabulary.load(); });
}

/// Metadata of a good vocabulary without one key, or with another value for it.
Metadata changed(const SyntheticVocabulary& vocabulary, const std::string& key,
                 const MetadataValue* value) {
  const Metadata whole = vocabulary.metadata();
  Metadata made("test.gguf");
  for (const char* name : {"model", "tokens", "token_type", "merges"}) {
    const std::string full = std::string("tokenizer.ggml.") + name;
    if (full != key) made.add(full, *whole.find(full));
  }
  if (value != nullptr) made.add(key, *value);
  return made;
}

std::string changed_refusal(ErrorCode code, const std::string& key, const MetadataValue* value) {
  const SyntheticVocabulary vocabulary;
  const Metadata metadata = changed(vocabulary, key, value);
  return refusal(code, [&] { Tokenizer::Impl::from_metadata(metadata); });
}

}  // namespace

TEST_CASE("the least vocabulary loads and encodes") {
  const auto tokenizer = SyntheticVocabulary().load();
  const Token a = *tokenizer->find("a");
  CHECK(encode(*tokenizer, "a", SpecialTokens::none) == std::vector<Token>{a});
  CHECK(tokenizer->special_ids().bos == 2);
  CHECK(tokenizer->special_ids().channel_open == -1);
  CHECK(tokenizer->suppressed().empty());
  CHECK(tokenizer->chat_template().empty());
}

TEST_CASE("of equal pieces the lowest id encodes, and both decode") {
  SyntheticVocabulary vocabulary;
  const Token ab = vocabulary.merge("a", "b");
  const Token again = vocabulary.add("ab", 1);
  vocabulary.add("a", 1);
  const Token bos = vocabulary.add("<bos>", 3);
  const auto tokenizer = vocabulary.load();
  CHECK(encode(*tokenizer, "ab", SpecialTokens::none) == std::vector<Token>{ab});
  CHECK(tokenizer->piece(again, false) == "ab");
  CHECK(tokenizer->special_ids().bos == 2);
  CHECK(tokenizer->piece(bos, false).empty());
  CHECK(encode(*tokenizer, "<bos>", SpecialTokens::all) == std::vector<Token>{2});
}

TEST_CASE("a merge listed twice keeps its first rank") {
  SyntheticVocabulary vocabulary;
  const Token ab = vocabulary.merge("a", "b");
  vocabulary.merge("b", "c");
  vocabulary.merges.push_back("a b");
  const auto tokenizer = vocabulary.load();
  const Token c = *tokenizer->find("c");
  CHECK(encode(*tokenizer, "abc", SpecialTokens::none) == std::vector<Token>{ab, c});
}

TEST_CASE(
    "seven tokens are visible and seventeen are hidden whatever the file says of their type") {
  SyntheticVocabulary vocabulary;
  std::fill(vocabulary.types.begin(), vocabulary.types.end(), 1);
  const Token channel = vocabulary.add("<|channel>", 3);
  const Token response = vocabulary.add("<|tool_response>", 1);
  const Token think = vocabulary.add("<|think|>", 4);
  const auto tokenizer = vocabulary.load();
  CHECK(tokenizer->piece(channel, false) == "<|channel>");
  CHECK(tokenizer->piece(response, false) == "<|tool_response>");
  CHECK(tokenizer->piece(think, false).empty());
  CHECK(tokenizer->piece(think, true) == "<|think|>");
  CHECK(tokenizer->is_byte(*tokenizer->find("<0x41>")));
  CHECK(tokenizer->is_end_of_generation(response));
  CHECK(tokenizer->is_end_of_generation(1));
  CHECK(tokenizer->is_end_of_generation(*tokenizer->find("<turn|>")));
  CHECK_FALSE(tokenizer->is_end_of_generation(2));
  CHECK(encode(*tokenizer, "<|channel>", SpecialTokens::user_defined) ==
        std::vector<Token>{channel});
}

TEST_CASE("merging text never makes a special or a byte token") {
  SyntheticVocabulary vocabulary;
  vocabulary.add("ab", 3);
  vocabulary.merges.push_back("a b");
  vocabulary.add("d", 4);
  vocabulary.add("<0x4", 1);
  vocabulary.add("1>", 1);
  vocabulary.merges.push_back("<0x4 1>");
  const auto tokenizer = vocabulary.load();
  for (const Token token : encode(*tokenizer, "abd<0x41>", SpecialTokens::none)) {
    CHECK_FALSE(tokenizer->is_special(token));
  }
  CHECK(decode(*tokenizer, encode(*tokenizer, "abd<0x41>", SpecialTokens::none), false) ==
        "abd<0x41>");
}

TEST_CASE("token types may be missing") {
  const SyntheticVocabulary vocabulary;
  const Metadata metadata = changed(vocabulary, "tokenizer.ggml.token_type", nullptr);
  const auto tokenizer = Tokenizer::Impl::from_metadata(metadata);
  CHECK(tokenizer->piece(2, false).empty());
}

TEST_CASE("missing and mistaken keys are named") {
  using namespace std::string_view_literals;
  CHECK(contains(changed_refusal(ErrorCode::format, "tokenizer.ggml.model", nullptr),
                 "test.gguf: tokenizer.ggml.model is missing"));
  const MetadataValue llama = "llama"sv;
  CHECK(contains(changed_refusal(ErrorCode::unsupported, "tokenizer.ggml.model", &llama),
                 "expected \"gemma4\", found \"llama\""));
  CHECK(contains(changed_refusal(ErrorCode::format, "tokenizer.ggml.tokens", nullptr),
                 "tokenizer.ggml.tokens is missing"));
  CHECK(contains(changed_refusal(ErrorCode::format, "tokenizer.ggml.merges", nullptr),
                 "tokenizer.ggml.merges is missing"));
  const MetadataValue number = std::uint64_t{7};
  changed_refusal(ErrorCode::format, "tokenizer.ggml.tokens", &number);
  changed_refusal(ErrorCode::format, "tokenizer.ggml.merges", &number);
  changed_refusal(ErrorCode::format, "tokenizer.chat_template", &number);
  const MetadataValue none = std::vector<std::string_view>();
  changed_refusal(ErrorCode::format, "tokenizer.ggml.tokens", &none);
  const MetadataValue short_types = std::vector<std::uint64_t>{3, 3};
  CHECK(contains(changed_refusal(ErrorCode::format, "tokenizer.ggml.token_type", &short_types),
                 "expected 267 elements, found 2"));
  const MetadataValue negative = std::vector<std::int64_t>(267, -1);
  changed_refusal(ErrorCode::format, "tokenizer.ggml.token_type", &negative);
}

TEST_CASE("damaged pieces are named") {
  SyntheticVocabulary vocabulary;
  vocabulary.tokens[265] = "\xe2\x96";
  CHECK(contains(format_refusal(vocabulary), "tokens[265]: not UTF-8: \"\\xe2\\x96\""));
  vocabulary = SyntheticVocabulary();
  vocabulary.types[9] = 7;
  CHECK(contains(format_refusal(vocabulary), "token_type[9]: expected 0 ... 6, found 7"));
  vocabulary = SyntheticVocabulary();
  vocabulary.tokens[6 + 0x41] = "<0x4g>";
  CHECK(contains(format_refusal(vocabulary), "the byte token <0x41> is missing"));
  vocabulary = SyntheticVocabulary();
  vocabulary.tokens[2] = "<box>";
  CHECK(contains(format_refusal(vocabulary), "<bos> is missing"));
}

TEST_CASE("an empty piece is harmless") {
  SyntheticVocabulary vocabulary;
  const Token empty = vocabulary.add("", 3);
  const auto tokenizer = vocabulary.load();
  CHECK(tokenizer->piece(empty, true).empty());
  CHECK(encode(*tokenizer, "ab", SpecialTokens::all).size() == 2);
}

TEST_CASE("merges that name unknown pieces are named") {
  const std::pair<const char*, const char*> damaged[] = {
      {"x a", "the left part is not in the vocabulary"},
      {"a x", "the right part is not in the vocabulary"},
      {"a ", "the right part is not in the vocabulary"},
      {"a b", "the result is not in the vocabulary"},
      {"ab", "expected two pieces and a space"},
      {" a", "expected two pieces and a space"},
      {"", "expected two pieces and a space"},
  };
  for (const auto& [merge, problem] : damaged) {
    SyntheticVocabulary vocabulary;
    vocabulary.merge("a", "a");
    vocabulary.merges.push_back(merge);
    const std::string message = format_refusal(vocabulary);
    CAPTURE(message);
    CHECK(contains(message, "test.gguf: tokenizer.ggml.merges: merge 1 \"" + std::string(merge)));
    CHECK(contains(message, problem));
  }
}

TEST_CASE("ids outside the vocabulary are refused") {
  const SyntheticVocabulary vocabulary;
  for (const char* key : {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                          "tokenizer.ggml.padding_token_id", "tokenizer.ggml.suppress_tokens"}) {
    for (const std::uint64_t id : {std::uint64_t{267}, ~std::uint64_t{0}}) {
      const MetadataValue value = id;
      CHECK(contains(changed_refusal(ErrorCode::format, key, &value), key));
    }
  }
  Metadata metadata = vocabulary.metadata();
  metadata.add("tokenizer.ggml.suppress_tokens", std::vector<std::int64_t>{4, 266});
  CHECK(Tokenizer::Impl::from_metadata(metadata)->suppressed() == std::vector<Token>{4, 266});
}

TEST_CASE("the tokenizer needs no file once it is loaded") {
  std::shared_ptr<const Tokenizer::Impl> tokenizer;
  {
    SyntheticVocabulary vocabulary;
    vocabulary.merge("a", "b");
    tokenizer = vocabulary.load();
    for (std::string& token : vocabulary.tokens) std::fill(token.begin(), token.end(), '?');
  }
  CHECK(decode(*tokenizer, encode(*tokenizer, "ab ba", SpecialTokens::none), false) == "ab ba");
}

TEST_CASE("the largest vocabulary that ids can name") {
  SyntheticVocabulary vocabulary;
  const std::size_t own = vocabulary.tokens.size();
  vocabulary.tokens.resize((1u << 20) - 1, "x");
  vocabulary.types.resize(vocabulary.tokens.size(), 1);
  CHECK(encode(*vocabulary.load(), "x", SpecialTokens::none) ==
        std::vector<Token>{static_cast<Token>(own)});
  vocabulary.add("y", 1);
  CHECK(contains(refusal(ErrorCode::unsupported, [&] { vocabulary.load(); }),
                 "expected at most 1048575 pieces in 4 GiB, found 1048576"));
}

}  // namespace gemma4::test
