#include "text/tool_value.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace gemma4 {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// As Python's repr() prints it, since the templates do.
void write_double(double value, PromptWriter& out) {
  char buffer[64];
  const auto scientific =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(scientific.ptr - buffer));
  int exponent = 0;
  std::string_view digits = text.substr(text.find('e') + 1);
  if (digits.front() == '+') digits.remove_prefix(1);
  std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (exponent < -4 || exponent >= 16) return out.text(text);
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  const std::string_view plain(buffer, static_cast<std::size_t>(fixed.ptr - buffer));
  out.text(plain);
  if (plain.find('.') == std::string_view::npos) out.text(".0");
}

}  // namespace

std::vector<JsonMember> sorted_members(JsonObject object) {
  std::vector<JsonMember> members;
  for (const auto [key, value] : object) members.emplace_back(key, value);
  std::stable_sort(members.begin(), members.end(), [](const JsonMember& a, const JsonMember& b) {
    return std::lexicographical_compare(
        a.first.begin(), a.first.end(), b.first.begin(), b.first.end(), [](char x, char y) {
          return static_cast<unsigned char>(lower(x)) < static_cast<unsigned char>(lower(y));
        });
  });
  return members;
}

void write_value(JsonElement value, KeyStyle keys, PromptWriter& out) {
  std::string_view text;
  bool flag = false;
  std::int64_t integer = 0;
  std::uint64_t natural = 0;
  double real = 0;
  JsonArray list;
  JsonObject mapping;
  if (value.get(text) == simdjson::SUCCESS) {
    out.quoted_text(text);
  } else if (value.get(flag) == simdjson::SUCCESS) {
    out.text(flag ? "true" : "false");
  } else if (value.get(integer) == simdjson::SUCCESS) {
    out.text(std::to_string(integer));
  } else if (value.get(natural) == simdjson::SUCCESS) {
    out.text(std::to_string(natural));
  } else if (value.get(real) == simdjson::SUCCESS) {
    write_double(real, out);
  } else if (value.get(list) == simdjson::SUCCESS) {
    out.text("[");
    bool first = true;
    for (const JsonElement item : list) {
      if (!std::exchange(first, false)) out.text(",");
      write_value(item, keys, out);
    }
    out.text("]");
  } else if (value.get(mapping) == simdjson::SUCCESS) {
    out.text("{");
    write_pairs(mapping, keys, out);
    out.text("}");
  } else {
    out.text("null");
  }
}

void write_pairs(JsonObject object, KeyStyle keys, PromptWriter& out) {
  bool first = true;
  for (const auto& [key, value] : sorted_members(object)) {
    if (!std::exchange(first, false)) out.text(",");
    if (keys == KeyStyle::quoted) {
      out.quoted_text(key);
    } else {
      out.text(key);
    }
    out.text(":");
    write_value(value, keys, out);
  }
}

}  // namespace gemma4
