#include "text/vocabulary.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "text/utf8.hpp"

namespace gemma4 {
namespace {

constexpr const char* kTokensKey = "tokenizer.ggml.tokens";
constexpr std::string_view kSpacePiece = "\xe2\x96\x81";  // U+2581

// Conversions disagree about the types of these, so their texts decide.
constexpr std::string_view kControlTexts[] = {
    "<pad>",     "<eos>",     "<bos>",    "<unk>",    "<mask>",   "<|tool>",
    "<tool|>",   "<|think|>", "<|turn>",  "<turn|>",  "<|image>", "<|audio>",
    "<|image|>", "<|audio|>", "<image|>", "<audio|>", "<|video|>"};
constexpr std::string_view kVisibleTexts[] = {
    "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>",
    "<|\"|>",       "<|channel>",   "<channel|>"};
constexpr std::string_view kEndOfGenerationTexts[] = {"<eos>", "<turn|>", "<|tool_response>"};

// GGUF's token types.
enum : std::uint64_t { kTypeUnknown = 2, kTypeControl = 3, kTypeUserDefined = 4, kTypeLast = 6 };

template <std::size_t N>
bool contains(const std::string_view (&texts)[N], std::string_view text) {
  return std::find(std::begin(texts), std::end(texts), text) != std::end(texts);
}

/// The byte that "<0x41>" stands for.
std::optional<unsigned char> byte_of_piece(std::string_view piece) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (piece.size() != 6 || piece.substr(0, 3) != "<0x" || piece[5] != '>') return std::nullopt;
  if (digit(piece[3]) < 0 || digit(piece[4]) < 0) return std::nullopt;
  return static_cast<unsigned char>(digit(piece[3]) * 16 + digit(piece[4]));
}

PieceKind kind_of(std::string_view text, std::uint64_t type) {
  if (byte_of_piece(text)) return PieceKind::byte;
  if (text.size() > 2 && text.front() == '<' && text.back() == '>') {
    if (contains(kControlTexts, text)) return PieceKind::control;
    if (contains(kVisibleTexts, text)) return PieceKind::visible;
  }
  if (type == kTypeControl || type == kTypeUnknown) return PieceKind::control;
  return type == kTypeUserDefined ? PieceKind::visible : PieceKind::normal;
}

PieceTable read_pieces(const Metadata& metadata) {
  const std::string& file = metadata.file();
  const auto model = metadata.text("tokenizer.ggml.model");
  if (!model) fail(ErrorCode::format, file + ": tokenizer.ggml.model is missing");
  if (*model != "gemma4") {
    fail(ErrorCode::unsupported,
         file + ": tokenizer.ggml.model: expected \"gemma4\", found " + in_quotes(*model));
  }
  const std::string place = file + ": " + kTokensKey;
  const std::vector<std::string_view>* tokens = metadata.text_array(kTokensKey);
  if (tokens == nullptr || tokens->empty()) fail(ErrorCode::format, place + " is missing or empty");
  for (std::size_t i = 0; i < tokens->size(); ++i) {
    if (!is_valid_utf8((*tokens)[i])) {
      fail(ErrorCode::format,
           place + "[" + std::to_string(i) + "]: not UTF-8: " + in_quotes((*tokens)[i]));
    }
  }
  try {
    return PieceTable(*tokens);
  } catch (const Error& error) {
    fail(error.code(), place + ": " + error.what());
  }
}

}  // namespace

void CodePointTable::add(char32_t c, Token token) {
  std::uint16_t& page = page_of_[c / 256];
  if (page == 0) {
    page = static_cast<std::uint16_t>(tokens_.size() / 256);
    tokens_.resize(tokens_.size() + 256, -1);
  }
  tokens_[std::size_t{page} * 256 + c % 256] = token;
}

Vocabulary::Vocabulary(const Metadata& metadata) : pieces_(read_pieces(metadata)) {
  const std::string place = metadata.file() + ": " + kTokensKey;
  classify(metadata);
  find_byte_tokens(place);
  decode_pieces();
  find_special_ids(place);
  find_characters();
}

void Vocabulary::classify(const Metadata& metadata) {
  constexpr const char* kKey = "tokenizer.ggml.token_type";
  const auto types = metadata.unsigned_array(kKey);
  if (types && types->size() != pieces_.size()) {
    fail(ErrorCode::format,
         metadata.file() + ": " + kKey +
             format_text(": expected %zu elements, found %zu", pieces_.size(), types->size()));
  }
  kinds_.reserve(pieces_.size());
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const std::uint64_t type = types ? (*types)[i] : 0;
    if (type > kTypeLast) {
      fail(ErrorCode::format, metadata.file() + ": " + kKey +
                                  format_text("[%zu]: expected 0 ... 6, found %llu", i,
                                              static_cast<unsigned long long>(type)));
    }
    const Token id = static_cast<Token>(i);
    kinds_.push_back(static_cast<std::uint8_t>(kind_of(pieces_.text(id), type)));
    if (contains(kEndOfGenerationTexts, pieces_.text(id))) end_of_generation_.push_back(id);
  }
}

void Vocabulary::find_byte_tokens(const std::string& place) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = format_text("<0x%02X>", byte);
    const Token token = pieces_.find(text);
    if (token < 0) {
      fail(ErrorCode::format,
           format_text("%s: the byte token %s is missing", place.c_str(), text.c_str()));
    }
    byte_tokens_[static_cast<std::size_t>(byte)] = token;
  }
}

void Vocabulary::decode_pieces() {
  bytes_.reserve(pieces_.text_bytes());  // a little more than it takes: "▁" is one byte here
  byte_begins_.reserve(pieces_.size() + 1);
  byte_begins_.push_back(0);
  for (Token id = 0; id < size(); ++id) {
    std::string_view text = pieces_.text(id);
    if (kind(id) == PieceKind::byte) {
      bytes_ += static_cast<char>(*byte_of_piece(text));
    } else if (kind(id) == PieceKind::normal) {
      for (std::size_t at; (at = text.find(kSpacePiece)) != std::string_view::npos;) {
        bytes_.append(text.substr(0, at)) += ' ';
        text.remove_prefix(at + kSpacePiece.size());
      }
      bytes_ += text;
    } else {
      bytes_ += text;
    }
    byte_begins_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  }
}

void Vocabulary::find_special_ids(const std::string& place) {
  const std::pair<Token*, std::string_view> wanted[] = {
      {&special_.bos, "<bos>"},
      {&special_.eos, "<eos>"},
      {&special_.unknown, "<unk>"},
      {&special_.padding, "<pad>"},
      {&special_.turn_open, "<|turn>"},
      {&special_.turn_close, "<turn|>"},
      {&special_.channel_open, "<|channel>"},
      {&special_.channel_close, "<channel|>"},
      {&special_.think, "<|think|>"},
      {&special_.tool_open, "<|tool>"},
      {&special_.tool_close, "<tool|>"},
      {&special_.tool_call_open, "<|tool_call>"},
      {&special_.tool_call_close, "<tool_call|>"},
      {&special_.tool_response_open, "<|tool_response>"},
      {&special_.tool_response_close, "<tool_response|>"},
      {&special_.quote, "<|\"|>"},
  };
  for (const auto& [id, text] : wanted) *id = pieces_.find(text);
  if (special_.bos < 0) fail(ErrorCode::format, place + ": <bos> is missing");
}

void Vocabulary::find_characters() {
  for (Token id = 0; id < size(); ++id) {
    const std::string_view text = pieces_.text(id);
    if (text.empty() || text.size() > 4 || kind(id) != PieceKind::normal) continue;
    const CodePoint point = code_point_at(text, 0);
    const bool single = point.bytes == text.size();
    if (single && characters_.find(point.value) < 0) characters_.add(point.value, id);
  }
  characters_.add(U' ', characters_.find(0x2581));
}

bool Vocabulary::is_end_of_generation(Token id) const {
  return std::binary_search(end_of_generation_.begin(), end_of_generation_.end(), id);
}

}  // namespace gemma4
