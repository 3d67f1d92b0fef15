#include "text/tool_call_parser.hpp"

#include "text/json.hpp"

namespace gemma4 {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_whitespace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/// Recursive descent over the text, JSON appended as it goes. Every parse function returns false at
/// the first thing that does not fit.
class ArgumentParser {
 public:
  ArgumentParser(std::string_view text, std::string& out) : rest_(text), out_(out) {}

  bool parse() {
    if (!mapping(1)) return false;
    skip_whitespace();
    return rest_.empty();
  }

 private:
  void skip_whitespace() {
    while (!rest_.empty() && is_whitespace(rest_[0])) rest_.remove_prefix(1);
  }

  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// Whether `c` comes next, whitespace around it skipped.
  bool take_mark(char c) {
    skip_whitespace();
    if (!take(c)) return false;
    skip_whitespace();
    return true;
  }

  bool mapping(std::size_t depth) {
    if (depth > kMaxJsonDepth || !take_mark('{')) return false;
    out_ += '{';
    for (bool first = true; !take('}'); first = false) {
      if (!first && !take_comma()) return false;
      if (!key() || !take_mark(':')) return false;
      out_ += ':';
      if (!value(depth)) return false;
      skip_whitespace();
    }
    out_ += '}';
    return true;
  }

  bool list(std::size_t depth) {
    if (depth > kMaxJsonDepth || !take_mark('[')) return false;
    out_ += '[';
    for (bool first = true; !take(']'); first = false) {
      if (!first && !take_comma()) return false;
      if (!value(depth)) return false;
      skip_whitespace();
    }
    out_ += ']';
    return true;
  }

  bool take_comma() {
    out_ += ',';
    return take_mark(',');
  }

  /// Up to the colon, as it stands; or a quoted string.
  bool key() {
    if (!rest_.empty() && rest_[0] == kQuoteByte) return string();
    const std::size_t colon = rest_.find_first_of(std::string_view(":}\xff"));
    if (colon == std::string_view::npos || rest_[colon] != ':') return false;
    std::string_view key = rest_.substr(0, colon);
    while (!key.empty() && is_whitespace(key.back())) key.remove_suffix(1);
    if (key.empty()) return false;
    append_json_string(key, out_);
    rest_.remove_prefix(colon);
    return true;
  }

  bool string() {
    rest_.remove_prefix(1);
    const std::size_t end = rest_.find(kQuoteByte);
    if (end == std::string_view::npos) return false;
    append_json_string(rest_.substr(0, end), out_);
    rest_.remove_prefix(end + 1);
    return true;
  }

  bool value(std::size_t depth) {
    if (rest_.empty()) return false;
    if (rest_[0] == kQuoteByte) return string();
    if (rest_[0] == '{') return mapping(depth + 1);
    if (rest_[0] == '[') return list(depth + 1);
    for (const std::string_view word : {"true", "false", "null"}) {
      if (rest_.starts_with(word)) {
        out_ += word;
        rest_.remove_prefix(word.size());
        return true;
      }
    }
    return number();
  }

  std::size_t digits_from(std::size_t i) const {
    while (i < rest_.size() && is_digit(rest_[i])) ++i;
    return i;
  }

  /// A number as JSON writes it.
  bool number() {
    std::size_t end = rest_[0] == '-' ? 1 : 0;
    const std::size_t integer = end;
    end = digits_from(end);
    if (end == integer || (rest_[integer] == '0' && end > integer + 1)) return false;
    if (end < rest_.size() && rest_[end] == '.') {
      const std::size_t fraction = end + 1;
      end = digits_from(fraction);
      if (end == fraction) return false;
    }
    if (end < rest_.size() && (rest_[end] == 'e' || rest_[end] == 'E')) {
      std::size_t exponent = end + 1;
      if (exponent < rest_.size() && (rest_[exponent] == '-' || rest_[exponent] == '+')) ++exponent;
      end = digits_from(exponent);
      if (end == exponent) return false;
    }
    out_ += rest_.substr(0, end);
    rest_.remove_prefix(end);
    return true;
  }

  std::string_view rest_;
  std::string& out_;
};

}  // namespace

bool parse_tool_call(std::string_view text, std::string& name, std::string& arguments) {
  constexpr std::string_view kPrefix = "call:";
  const std::size_t call = text.find_first_not_of(" \n\t\r");
  if (call == std::string_view::npos || !text.substr(call).starts_with(kPrefix)) return false;
  text.remove_prefix(call + kPrefix.size());
  const std::size_t brace = text.find('{');
  if (brace == std::string_view::npos || brace == 0) return false;
  for (const char c : text.substr(0, brace)) {
    if (static_cast<unsigned char>(c) <= ' ' || c == kQuoteByte) return false;
  }
  name = text.substr(0, brace);
  arguments.clear();
  return ArgumentParser(text.substr(brace), arguments).parse();
}

}  // namespace gemma4
