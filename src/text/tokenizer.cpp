#include "text/tokenizer.hpp"

#include <limits>

#include "base/error.hpp"
#include "text/bpe.hpp"

namespace gemma4 {
namespace {

void check_token_ids(const Metadata& metadata, std::int32_t size) {
  for (const char* name : {"bos", "eos", "eot", "unknown", "padding", "mask"}) {
    const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
    const auto id = metadata.unsigned_integer(key);
    if (id && *id >= static_cast<std::uint64_t>(size)) {
      fail(ErrorCode::format, metadata.file() + ": " + key +
                                  format_text(": expected an id below %d, found %llu", size,
                                              static_cast<unsigned long long>(*id)));
    }
  }
}

MergeTable read_merges(const Metadata& metadata, const Vocabulary& vocabulary) {
  constexpr const char* kKey = "tokenizer.ggml.merges";
  const std::vector<std::string_view>* merges = metadata.text_array(kKey);
  if (merges == nullptr) fail(ErrorCode::format, metadata.file() + ": " + kKey + " is missing");
  try {
    return MergeTable(*merges, vocabulary);
  } catch (const Error& error) {
    fail(error.code(), metadata.file() + ": " + kKey + ": " + error.what());
  }
}

}  // namespace

std::vector<Token> read_suppressed(const Metadata& metadata, std::int32_t size) {
  constexpr const char* kKey = "tokenizer.ggml.suppress_tokens";
  std::vector<Token> suppressed;
  for (const std::uint64_t id :
       metadata.unsigned_array(kKey).value_or(std::vector<std::uint64_t>())) {
    if (id >= static_cast<std::uint64_t>(size)) {
      fail(ErrorCode::format, metadata.file() + ": " + kKey +
                                  format_text(": expected ids below %d, found %llu", size,
                                              static_cast<unsigned long long>(id)));
    }
    suppressed.push_back(static_cast<Token>(id));
  }
  return suppressed;
}

Tokenizer::Impl::Impl(const Metadata& metadata)
    : vocabulary_(metadata), merges_(read_merges(metadata, vocabulary_)) {
  check_token_ids(metadata, vocabulary_.size());
  suppressed_ = read_suppressed(metadata, vocabulary_.size());
  chat_template_ = metadata.text("tokenizer.chat_template").value_or(std::string_view());
  for (Token id = 0; id < vocabulary_.size(); ++id) {
    const PieceKind kind = vocabulary_.kind(id);
    if (kind != PieceKind::control && kind != PieceKind::visible) continue;
    const std::string_view text = vocabulary_.pieces().text(id);
    all_.add(text, id);
    // <|tool_response> is visible, but it also ends generation, and the reference (llama.cpp) finds
    // no token that does so in plain text.
    if (kind == PieceKind::visible && !vocabulary_.is_end_of_generation(id)) visible_.add(text, id);
  }
  all_.prepare();
  visible_.prepare();
}

std::shared_ptr<const Tokenizer::Impl> Tokenizer::Impl::from_metadata(const Metadata& metadata) {
  return std::shared_ptr<const Impl>(new Impl(metadata));
}

void Tokenizer::Impl::encode(std::string_view text, SpecialTokens special,
                             std::vector<Token>& out) const {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) {
    fail(ErrorCode::invalid_argument,
         format_text("a text to encode: expected less than 4 GiB, found %zu bytes", text.size()));
  }
  BpeEncoder bpe(vocabulary_, merges_, text, out);
  std::size_t begin = 0;
  if (special != SpecialTokens::none) {
    const SpecialMatcher& matcher = special == SpecialTokens::all ? all_ : visible_;
    while (const auto match = matcher.next(text, begin)) {
      bpe.encode(begin, match->begin);
      out.push_back(match->token);
      begin = match->begin + match->bytes;
    }
  }
  bpe.encode(begin, text.size());
}

std::string_view Tokenizer::Impl::piece(Token token, bool special) const {
  if (token < 0 || token >= vocabulary_.size()) return {};
  if (!special && vocabulary_.kind(token) == PieceKind::control) return {};
  return vocabulary_.bytes(token);
}

std::int32_t Tokenizer::Impl::vocabulary_size() const { return vocabulary_.size(); }

const SpecialIds& Tokenizer::Impl::special_ids() const { return vocabulary_.special_ids(); }

bool Tokenizer::Impl::is_end_of_generation(Token token) const {
  return vocabulary_.is_end_of_generation(token);
}

bool Tokenizer::Impl::is_byte(Token token) const {
  return token >= 0 && token < vocabulary_.size() && vocabulary_.kind(token) == PieceKind::byte;
}

bool Tokenizer::Impl::is_special(Token token) const {
  if (token < 0 || token >= vocabulary_.size()) return false;
  const PieceKind kind = vocabulary_.kind(token);
  return kind == PieceKind::control || kind == PieceKind::visible;
}

std::optional<Token> Tokenizer::Impl::find(std::string_view piece) const {
  const Token token = vocabulary_.pieces().find(piece);
  return token >= 0 ? std::optional<Token>(token) : std::nullopt;
}

const std::vector<Token>& Tokenizer::Impl::suppressed() const { return suppressed_; }

const std::string& Tokenizer::Impl::chat_template() const { return chat_template_; }

std::vector<Token> Tokenizer::encode(std::string_view text, SpecialTokens special) const {
  std::vector<Token> tokens;
  tokens.reserve(text.size() / 3 + 4);  // bytes per token in ordinary text
  impl_->encode(text, special, tokens);
  return tokens;
}

std::string Tokenizer::decode(std::span<const Token> tokens, bool special) const {
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= vocabulary_size()) {
      fail(ErrorCode::invalid_argument,
           format_text("tokens[%zu]: expected an id of 0 ... %d, found %d", i,
                       vocabulary_size() - 1, tokens[i]));
    }
    text += impl_->piece(tokens[i], special);
  }
  return text;
}

std::int32_t Tokenizer::vocabulary_size() const { return impl_->vocabulary_size(); }

Token Tokenizer::bos() const { return impl_->special_ids().bos; }

bool Tokenizer::is_end_of_generation(Token token) const {
  return impl_->is_end_of_generation(token);
}

}  // namespace gemma4
