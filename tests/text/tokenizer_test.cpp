// Encoding and decoding: properties that hold for every text.
#include <random>

#include "text/fixtures.hpp"
#include "text/naive_bpe.hpp"
#include "text/synthetic_vocabulary.hpp"

namespace gemma4::test {
namespace {

const std::string kTinyPath = GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf";
const std::string kSpacePiece = "\xe2\x96\x81";

void append_utf8(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 63));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 63));
    out += static_cast<char>(0x80 | (c & 63));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 63));
    out += static_cast<char>(0x80 | (c >> 6 & 63));
    out += static_cast<char>(0x80 | (c & 63));
  }
}

/// Random texts that look like something: pieces, spaces, newlines, characters of any script, and
/// raw bytes if wanted.
class RandomText {
 public:
  RandomText(const Tokenizer::Impl& tokenizer, unsigned seed)
      : tokenizer_(tokenizer), random_(seed) {}

  std::string text(int parts, bool raw_bytes) {
    std::string text;
    for (int i = 0; i < parts; ++i) append_part(text, raw_bytes);
    return text;
  }

  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

 private:
  void append_part(std::string& text, bool raw_bytes) {
    switch (below(raw_bytes ? 9 : 8)) {
      case 0:
        text += ' ';
        break;
      case 1:
        text.append(static_cast<std::size_t>(below(6)), "\n \tx"[below(4)]);
        break;
      case 2:
        append_utf8(static_cast<char32_t>(below(0x250)), text);
        break;
      case 3:
        append_any_character(text);
        break;
      case 4:
        text += static_cast<char>('a' + below(26));
        break;
      case 8:
        text += static_cast<char>(random_());
        break;
      default:
        append_piece(text);
        break;
    }
  }

  void append_any_character(std::string& text) {
    const char32_t c = static_cast<char32_t>(below(0x110000));
    if ((c < 0xd800 || c > 0xdfff) && c != 0x2581) append_utf8(c, text);
  }

  void append_piece(std::string& text) {
    const Token token = below(tokenizer_.vocabulary_size());
    if (!tokenizer_.is_byte(token)) text += tokenizer_.piece(token, false);
  }

  const Tokenizer::Impl& tokenizer_;
  std::mt19937 random_;
};

void check_against_naive(const std::string& path, const Tokenizer::Impl& tokenizer, int texts) {
  const NaiveBpe naive(path, tokenizer);
  RandomText random(tokenizer, 1);
  for (int i = 0; i < texts; ++i) {
    const std::string text = random.text(random.below(60), i % 2 == 0);
    CAPTURE(text);
    CHECK(encode(tokenizer, text, SpecialTokens::none) == naive.encode(text));
  }
  // Words repeat, so that remembered ones are used; no cut for hundreds of characters, so that the
  // queue is.
  std::string long_text, word;
  for (int i = 0; i < 100; ++i) long_text += random.text(3, true) + "the same words again, ";
  for (int i = 0; i < 400; ++i) word += static_cast<char>('a' + random.below(4));
  CHECK(encode(tokenizer, long_text, SpecialTokens::none) == naive.encode(long_text));
  CHECK(encode(tokenizer, word, SpecialTokens::none) == naive.encode(word));
}

void check_round_trip(const Tokenizer::Impl& tokenizer) {
  RandomText random(tokenizer, 2);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random.text(random.below(40), i % 2 == 0);
    CAPTURE(text);
    for (const SpecialTokens special :
         {SpecialTokens::none, SpecialTokens::user_defined, SpecialTokens::all}) {
      const std::vector<Token> tokens = encode(tokenizer, text, special);
      std::string back = decode(tokenizer, tokens, true);
      // Raw bytes may happen to spell the piece that stands for a space.
      if (text.find(kSpacePiece) == std::string::npos) CHECK(back == text);
    }
  }
}

}  // namespace

TEST_CASE("encoding equals the definition, tiny vocabulary") {
  check_against_naive(kTinyPath, tiny(), 1000);
}

TEST_CASE("encoding equals the definition, real vocabulary") {
  if (const Tokenizer::Impl* real = real_or_skip()) {
    check_against_naive(real_vocabulary_path(), *real, 1000);
  }
}

TEST_CASE("decoding gives the text back, tiny vocabulary") { check_round_trip(tiny()); }

TEST_CASE("decoding gives the text back, real vocabulary") {
  if (const Tokenizer::Impl* real = real_or_skip()) check_round_trip(*real);
}

TEST_CASE("a literal U+2581 encodes and decodes as a space") {
  CHECK(encode(tiny(), "a" + kSpacePiece + "cat", SpecialTokens::none) ==
        encode(tiny(), "a cat", SpecialTokens::none));
}

TEST_CASE("each invalid byte becomes its byte token") {
  for (const std::string text : {"\x80", "\xff\xfe", "\xc3", "\xe2\x96", "\xed\xa0\x80", "\xc0\x80",
                                 "\xf4\x90\x80\x80", "\xf0\x9f\x98"}) {
    const std::vector<Token> tokens = encode(tiny(), text, SpecialTokens::all);
    REQUIRE(tokens.size() == text.size());
    for (const Token token : tokens) CHECK(tiny().is_byte(token));
    CHECK(decode(tiny(), tokens, false) == text);
  }
}

TEST_CASE("runs of newlines of any length") {
  for (std::size_t count = 1; count < 100; ++count) {
    const std::string text(count, '\n');
    const std::vector<Token> tokens = encode(tiny(), text, SpecialTokens::none);
    CHECK(tokens.size() == (count + 7) / 8);  // the longest piece has 8
    CHECK(decode(tiny(), tokens, false) == text);
  }
}

TEST_CASE("what becomes of the texts of special tokens") {
  const SpecialIds& ids = tiny().special_ids();
  const auto first = [](std::string_view text, SpecialTokens special) {
    return encode(tiny(), text, special).front();
  };
  const auto is_plain = [&](std::string_view text, SpecialTokens special) {
    for (const Token token : encode(tiny(), text, special)) {
      if (tiny().is_special(token)) return false;
    }
    return true;
  };
  CHECK(first("<|turn>", SpecialTokens::all) == ids.turn_open);
  CHECK(is_plain("<|turn>", SpecialTokens::user_defined));
  CHECK(first("<|channel>", SpecialTokens::user_defined) == ids.channel_open);
  CHECK(is_plain("<|channel>", SpecialTokens::none));
  // Visible, but it ends generation: the reference keeps it plain unless special tokens are parsed.
  CHECK(first("<|tool_response>", SpecialTokens::all) == ids.tool_response_open);
  CHECK(is_plain("<|tool_response>", SpecialTokens::user_defined));
  CHECK(first("<tool_response|>", SpecialTokens::user_defined) == ids.tool_response_close);
  CHECK(is_plain("<unused0><0x41>", SpecialTokens::all));
  CHECK(encode(tiny(), "<|turn><turn|><|turn>", SpecialTokens::all) ==
        std::vector<Token>{ids.turn_open, ids.turn_close, ids.turn_open});
  CHECK(encode(tiny(), "<<|turn>", SpecialTokens::all).back() == ids.turn_open);
}

TEST_CASE("a long text of special tokens and no newline takes no longer than another") {
  std::string text;
  for (int i = 0; i < 500000; ++i) text += "<bos>a";
  const std::vector<Token> tokens = encode(tiny(), text, SpecialTokens::all);
  CHECK(tokens.size() == 1000000);  // a search beyond each part would take minutes
}

TEST_CASE("special tokens of other texts: the longest at the first place") {
  SyntheticVocabulary vocabulary;
  const Token ab = vocabulary.add("ab", 4);
  const Token abc = vocabulary.add("abc", 4);
  const Token bc = vocabulary.add("bc", 3);
  const auto tokenizer = vocabulary.load();
  CHECK(encode(*tokenizer, "abcab", SpecialTokens::all) == std::vector<Token>{abc, ab});
  CHECK(encode(*tokenizer, "bcab", SpecialTokens::all) == std::vector<Token>{bc, ab});
  CHECK(encode(*tokenizer, "bcab", SpecialTokens::user_defined).back() == ab);
}

TEST_CASE("the public tokenizer") {
  const auto impl = load_vocabulary(kTinyPath);
  const Tokenizer tokenizer(impl);
  const Tokenizer copy = tokenizer;
  CHECK(tokenizer.vocabulary_size() == 1536);
  CHECK(tokenizer.bos() == 2);
  CHECK(tokenizer.is_end_of_generation(1));
  CHECK_FALSE(tokenizer.is_end_of_generation(-1));
  CHECK_FALSE(tokenizer.is_end_of_generation(1536));
  const std::vector<Token> tokens = copy.encode("<bos>Hello", SpecialTokens::all);
  CHECK(tokens.front() == 2);
  CHECK(tokenizer.decode(tokens) == "Hello");
  CHECK(tokenizer.decode(tokens, true) == "<bos>Hello");
  CHECK(tokenizer.encode("").empty());
  CHECK(tokenizer.decode({}).empty());
  for (const Token bad : {-1, 1536, 1 << 30}) {
    const std::vector<Token> outside{2, bad};
    CHECK(contains(refusal(ErrorCode::invalid_argument, [&] { tokenizer.decode(outside); }),
                   "tokens[1]: expected an id of 0 ... 1535, found " + std::to_string(bad)));
  }
}

}  // namespace gemma4::test
