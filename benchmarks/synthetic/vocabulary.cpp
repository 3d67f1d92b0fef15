#include "vocabulary.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "gemma4/error.hpp"
#include "io/gguf.hpp"

namespace gemma4::synthetic {
namespace {

constexpr std::size_t kTokens = 262144;
constexpr std::string_view kSpace = "\xe2\x96\x81";  // ▁, U+2581

// Where Gemma 4 keeps its pieces.
constexpr std::size_t kNewlines = 106;  // a run of n newlines has the id 106 + n, up to 31
constexpr std::size_t kSpaces = 136;    // a run of n >= 2 spaces 136 + n
constexpr std::size_t kTabs = 255967;   // a run of n tabs 255967 + n
constexpr std::size_t kLongestRun = 31;
constexpr std::size_t kBytes = 238;
constexpr std::size_t kPairs = 494;  // ours: pairs of letters, right behind the bytes
constexpr std::size_t kSingleSpace = 236743;

enum TokenType : std::int32_t { kNormal = 1, kControl = 3, kUserDefined = 4, kByte = 6 };

struct Special {
  std::size_t id;
  const char* text;
  TokenType type;
};

constexpr Special kSpecials[] = {
    {0, "<pad>", kControl},
    {1, "<eos>", kControl},
    {2, "<bos>", kControl},
    {3, "<unk>", kControl},
    {4, "<mask>", kControl},
    {5, "[multimodal]", kNormal},
    {46, "<|tool>", kControl},
    {47, "<tool|>", kControl},
    {48, "<|tool_call>", kUserDefined},
    {49, "<tool_call|>", kUserDefined},
    {50, "<|tool_response>", kUserDefined},
    {51, "<tool_response|>", kUserDefined},
    {52, "<|\"|>", kUserDefined},
    {98, "<|think|>", kControl},
    {100, "<|channel>", kUserDefined},
    {101, "<channel|>", kUserDefined},
    {105, "<|turn>", kControl},
    {106, "<turn|>", kControl},
    {212, "</s>", kNormal},
    {255999, "<|image>", kControl},
    {256000, "<|audio>", kControl},
    {258880, "<|image|>", kControl},
    {258881, "<|audio|>", kControl},
    {258882, "<image|>", kControl},
    {258883, "<audio|>", kControl},
    {258884, "<|video|>", kControl},
};

std::string repeated(std::string_view unit, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += unit;
  return out;
}

/// A word of its own for every id: ▁q and four letters.
std::string made_up_word(std::size_t id) {
  std::string word = std::string(kSpace) + "q";
  for (int i = 0; i < 4; ++i, id /= 26) word += static_cast<char>('a' + id % 26);
  return word;
}

std::string byte_piece(std::size_t byte) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  return std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + ">";
}

struct Vocabulary {
  std::vector<std::string> pieces;
  std::vector<std::int32_t> types;
  std::vector<std::string> merges;

  void add_merge(std::string_view left, std::string_view right) {
    merges.push_back(std::string(left) + " " + std::string(right));
  }

  /// Every way to join two shorter runs into a longer one, the longest first, as in the real table.
  void add_run_merges(std::string_view unit) {
    for (std::size_t total = kLongestRun; total >= 2; --total) {
      for (std::size_t left = total - 1; left >= 1; --left) {
        add_merge(repeated(unit, left), repeated(unit, total - left));
      }
    }
  }

  void add_pieces() {
    for (std::size_t id = 0; id < kTokens; ++id) {
      pieces.push_back(id < kBytes ? "<unused" + std::to_string(id) + ">" : made_up_word(id));
    }
    types.assign(kTokens, kNormal);
    for (std::size_t n = 1; n <= kLongestRun; ++n) {
      pieces[kNewlines + n] = repeated("\n", n);
      pieces[kTabs + n] = repeated("\t", n);
      if (n >= 2) pieces[kSpaces + n] = repeated(kSpace, n);
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
      pieces[kBytes + byte] = byte_piece(byte);
      types[kBytes + byte] = kByte;
    }
    pieces[kSingleSpace] = kSpace;
    for (char c = '!'; c <= '~'; ++c) {
      pieces[kSingleSpace + 1 + static_cast<std::size_t>(c - '!')] = std::string(1, c);
    }
    for (const Special& special : kSpecials) {
      pieces[special.id] = special.text;
      types[special.id] = special.type;
    }
  }

  /// Pairs of letters, so that text of plain words takes about half as many tokens as characters.
  void add_pairs() {
    std::size_t id = kPairs;
    for (char a = 'a'; a <= 'z'; ++a) {
      for (char b = 'a'; b <= 'z'; ++b) {
        add_merge(std::string(1, a), std::string(1, b));
        pieces[id++] = {a, b};
      }
    }
  }
};

constexpr const char* kSuppressKey = "tokenizer.ggml.suppress_tokens";

/// What the 12B must never write: <audio|> and <image|>.
void suppress(KeyWriter& keys) { keys.i32_array(kSuppressKey, {258883, 258882}); }

}  // namespace

std::uint64_t copy_vocabulary(const std::string& path, KeyWriter& keys) {
  const Checkpoint file = open_gguf(path);
  const auto* tokens = file.metadata.text_array("tokenizer.ggml.tokens");
  if (tokens == nullptr || tokens->empty()) {
    throw Error(ErrorCode::format,
                path + ": expected the key \"tokenizer.ggml.tokens\", found none");
  }
  for (const auto& [key, value] : file.metadata.all()) {
    if (key.starts_with("tokenizer.")) keys.copy(key, value);
  }
  if (!file.metadata.has(kSuppressKey) && tokens->size() == kTokens) suppress(keys);
  return tokens->size();
}

std::uint64_t make_vocabulary(KeyWriter& keys) {
  Vocabulary vocabulary;
  vocabulary.add_pieces();
  for (const std::string_view unit : {std::string_view("\n"), kSpace, std::string_view("\t")}) {
    vocabulary.add_run_merges(unit);
  }
  vocabulary.add_pairs();
  const auto views = [](const std::vector<std::string>& strings) {
    return std::vector<std::string_view>(strings.begin(), strings.end());
  };
  keys.text("tokenizer.ggml.model", "gemma4");
  keys.text_array("tokenizer.ggml.tokens", views(vocabulary.pieces));
  keys.f32_array("tokenizer.ggml.scores", std::vector<float>(kTokens, -1000.0f));
  keys.i32_array("tokenizer.ggml.token_type", vocabulary.types);
  keys.text_array("tokenizer.ggml.merges", views(vocabulary.merges));
  keys.u32("tokenizer.ggml.bos_token_id", 2);
  keys.u32("tokenizer.ggml.eos_token_id", 1);
  keys.u32("tokenizer.ggml.unknown_token_id", 3);
  keys.u32("tokenizer.ggml.padding_token_id", 0);
  keys.u32("tokenizer.ggml.mask_token_id", 4);
  keys.boolean("tokenizer.ggml.add_space_prefix", false);
  keys.boolean("tokenizer.ggml.add_bos_token", true);
  suppress(keys);
  return kTokens;
}

}  // namespace gemma4::synthetic
