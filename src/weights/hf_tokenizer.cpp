#include "weights/hf_tokenizer.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "weights/model_config.hpp"

namespace gemma4 {
namespace {

constexpr std::string_view kSpace = "\xe2\x96\x81";  // U+2581, which stands for a space

/// Ids without a token. A vocabulary takes memory in proportion to the file then.
constexpr std::uint64_t kMaxLeftOut = 4096;

// GGUF's token types.
enum : std::uint64_t { kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5 };

using Element = simdjson::dom::element;

std::optional<JsonTable> table_of(const JsonTable& parent, std::string_view key, Element element) {
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) return std::nullopt;
  return JsonTable(parent.file(), std::string(key), object);
}

/// {"String": " "}: the pattern of a normalizer or pre-tokenizer.
bool is_space_pattern(const JsonTable& table) {
  const auto pattern = table.table("pattern");
  if (!pattern) return false;
  return pattern->text("String") == " " || pattern->text("Regex") == " ";
}

/// Calls `check` for a component and, in a sequence, for each of its parts.
template <typename Check>
void for_each_part(const JsonTable& root, const char* key, const char* parts, const Check& check) {
  const auto table = root.table(key);
  if (!table) return;
  if (table->text("type") != "Sequence") return check(*table);
  const auto array = table->array(parts);
  if (!array) table->refuse(parts, "an array", "no such key");
  for (const Element element : *array) {
    const auto part = table_of(*table, key, element);
    if (!part) table->refuse(parts, "objects", "something else");
    check(*part);
  }
}

[[noreturn]] void refuse_type(const JsonTable& root, const char* key, const char* expected,
                              const JsonTable& found) {
  root.refuse(key, expected, in_quotes(found.text("type").value_or("")), ErrorCode::unsupported);
}

/// The library encodes as Gemma 4's tokenizer does, and in no other way.
void check_components(const JsonTable& root) {
  for_each_part(root, "normalizer", "normalizers", [&](const JsonTable& part) {
    if (part.text("type") != "Replace" || !is_space_pattern(part) || part.text("content") != kSpace)
      refuse_type(root, "normalizer", "the replacement of spaces by U+2581", part);
  });
  for_each_part(root, "pre_tokenizer", "pretokenizers", [&](const JsonTable& part) {
    if (part.text("type") != "Split" || !is_space_pattern(part))
      refuse_type(root, "pre_tokenizer", "none, or a split at spaces", part);
  });
}

void check_model(const JsonTable& model) {
  const auto type = model.text("type");
  if (type != "BPE")
    model.refuse("type", "BPE", type ? in_quotes(*type) : "no such key", ErrorCode::unsupported);
  if (!model.boolean("byte_fallback").value_or(false))
    model.refuse("byte_fallback", "true", "false", ErrorCode::unsupported);
  if (model.boolean("ignore_merges").value_or(false))
    model.refuse("ignore_merges", "false", "true", ErrorCode::unsupported);
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const auto text = model.text(key);
    if (text && !text->empty()) model.refuse(key, "none", in_quotes(*text), ErrorCode::unsupported);
  }
}

/// Token texts by id, put together in one string.
class Tokens {
 public:
  Tokens(const JsonTable& root, const JsonTable& model, std::uint64_t vocabulary) {
    const auto vocab = model.table("vocab");
    if (!vocab) model.refuse("vocab", "an object", "no such key");
    const auto added = root.array("added_tokens");
    const std::uint64_t listed = vocab->members().size() + (added ? added->size() : 0);
    const std::uint64_t size = vocabulary != 0 ? vocabulary : vocab->members().size();
    const std::uint64_t most = std::min(listed + kMaxLeftOut, kMaxVocabulary);
    if (size == 0 || size > most) {
      model.refuse(
          "vocab",
          "1 to " + std::to_string(most) + " ids for " + std::to_string(listed) + " tokens",
          std::to_string(size));
    }
    texts_.resize(static_cast<std::size_t>(size));
    types_.resize(texts_.size(), kUnused);
    for (const simdjson::dom::key_value_pair member : vocab->members())
      set(*vocab, member.key, id_of(*vocab, member.key, member.value), member.key, kNormal);
    if (!added) return;
    for (const Element element : *added) add(root, element);
  }

  /// Moves the texts to `out` and gives views of them and the types.
  std::pair<std::vector<std::string_view>, std::vector<std::uint64_t>> finish(Checkpoint& out) {
    std::string joined;
    std::vector<std::size_t> ends;
    for (std::size_t id = 0; id < texts_.size(); ++id) {
      if (types_[id] == kUnused)
        joined += "[PAD" + std::to_string(id) + "]";
      else
        joined += texts_[id];
      ends.push_back(joined.size());
    }
    const std::string_view all = out.texts.emplace_back(std::move(joined));
    std::vector<std::string_view> views;
    for (std::size_t id = 0; id < ends.size(); ++id) {
      const std::size_t begin = id == 0 ? 0 : ends[id - 1];
      views.push_back(all.substr(begin, ends[id] - begin));
    }
    return {std::move(views), std::move(types_)};
  }

 private:
  std::uint64_t id_of(const JsonTable& table, std::string_view key, Element value) const {
    std::uint64_t id;
    if (value.get(id) != simdjson::SUCCESS || id >= texts_.size()) {
      table.refuse(key, "an id from 0 to " + std::to_string(texts_.size() - 1),
                   value.get(id) == simdjson::SUCCESS ? std::to_string(id) : "something else");
    }
    return id;
  }

  void set(const JsonTable& table, std::string_view key, std::uint64_t id, std::string_view text,
           std::uint64_t type) {
    const std::size_t i = static_cast<std::size_t>(id);
    if (types_[i] != kUnused && texts_[i] != text) {
      table.refuse(key, "one text for id " + std::to_string(id),
                   in_quotes(texts_[i]) + " and " + in_quotes(text));
    }
    texts_[i] = text;
    types_[i] = type;
  }

  void add(const JsonTable& root, Element element) {
    const auto token = table_of(root, "added_tokens", element);
    if (!token) root.refuse("added_tokens", "objects", "something else");
    const auto id = token->find("id");
    const auto text = token->text("content");
    if (!id || !text) token->refuse(id ? "content" : "id", "a value", "no such key");
    for (const char* key : {"lstrip", "rstrip", "single_word"}) {
      if (token->boolean(key).value_or(false))
        token->refuse(key, "false", "true", ErrorCode::unsupported);
    }
    const bool special = token->boolean("special").value_or(false);
    set(*token, "id", id_of(*token, "id", *id), *text, special ? kControl : kUserDefined);
  }

  std::vector<std::string_view> texts_;  // of the parsed file
  std::vector<std::uint64_t> types_;     // kUnused: no text yet
};

/// "left right", as GGUF has merges; the file has that or [left, right].
void append_merge(const JsonTable& model, Element merge, std::string& out) {
  std::string_view text, left, right;
  if (merge.get(text) == simdjson::SUCCESS) {
    out += text;
    return;
  }
  simdjson::dom::array pair;
  if (merge.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
      pair.at(0).get(left) != simdjson::SUCCESS || pair.at(1).get(right) != simdjson::SUCCESS) {
    model.refuse("merges", "pairs of pieces", "something else");
  }
  // where a merge is cut again: behind the first space that is not its first byte
  if (left.empty() || right.empty() || left.find(' ', 1) != left.npos)
    model.refuse("merges", "pieces without spaces", in_quotes(left) + " and " + in_quotes(right));
  out.append(left).append(" ").append(right);
}

std::vector<std::string_view> read_merges(const JsonTable& model, Checkpoint& out) {
  const auto merges = model.array("merges");
  if (!merges) model.refuse("merges", "an array", "no such key");
  std::string joined;
  std::vector<std::size_t> ends;
  for (const Element merge : *merges) {
    append_merge(model, merge, joined);
    ends.push_back(joined.size());
  }
  const std::string_view all = out.texts.emplace_back(std::move(joined));
  std::vector<std::string_view> views;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const std::size_t begin = i == 0 ? 0 : ends[i - 1];
    views.push_back(all.substr(begin, ends[i] - begin));
  }
  return views;
}

void copy_real(const JsonTable& root, const char* from, const char* to, Metadata& metadata) {
  if (const auto value = root.real(from)) metadata.add(to, *value);
}

}  // namespace

void add_hf_tokenizer(const JsonTable& root, std::uint64_t vocabulary, Checkpoint& out) {
  check_components(root);
  const auto model = root.table("model");
  if (!model) root.refuse("model", "an object", "no such key");
  check_model(*model);
  auto [tokens, types] = Tokens(root, *model, vocabulary).finish(out);
  out.metadata.add("tokenizer.ggml.model", std::string_view("gemma4"));
  out.metadata.add("tokenizer.ggml.tokens", std::move(tokens));
  out.metadata.add("tokenizer.ggml.token_type", std::move(types));
  out.metadata.add("tokenizer.ggml.merges", read_merges(*model, out));
}

void add_hf_generation(const JsonTable& root, Checkpoint& out) {
  copy_real(root, "temperature", "general.sampling.temp", out.metadata);
  copy_real(root, "top_p", "general.sampling.top_p", out.metadata);
  if (const auto top_k = root.integer("top_k")) out.metadata.add("general.sampling.top_k", *top_k);
  const auto suppressed = root.array("suppress_tokens");
  if (!suppressed) return;
  std::vector<std::uint64_t> ids;
  for (const Element element : *suppressed) {
    std::uint64_t id;
    if (element.get(id) != simdjson::SUCCESS)
      root.refuse("suppress_tokens", "token ids", "something else");
    ids.push_back(id);
  }
  out.metadata.add("tokenizer.ggml.suppress_tokens", std::move(ids));
}

void add_chat_template(std::string_view text, Checkpoint& out) {
  if (text.empty()) return;
  out.metadata.add("tokenizer.chat_template", std::string_view(out.texts.emplace_back(text)));
}

std::string_view hf_chat_template(const JsonTable& root) {
  const auto value = root.find("chat_template");
  if (!value || !value->is_array()) return root.text("chat_template").value_or("");
  const auto several = root.array("chat_template");
  for (const Element element : *several) {
    const auto named = table_of(root, "chat_template", element);
    if (named && named->text("name") == "default") return named->text("template").value_or("");
  }
  return {};
}

}  // namespace gemma4
