#include "options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace cli {
namespace {

constexpr std::size_t kHelpColumn = 26;
constexpr std::size_t kHelpWidth = 96;

[[noreturn]] void bad_value(std::string_view option, const std::string& expected,
                            std::string_view found) {
  throw UsageError(std::string(option) + ": expected " + expected + ", found " +
                   (found.empty() ? "nothing" : shown(found)));
}

std::string number_text(double value) {
  char text[32];
  const auto result = std::to_chars(text, text + sizeof text, value);
  return std::string(text, result.ptr);
}

// Letters to change, add or remove until one word is the other; for "did you mean".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// Appends `text` from `column` on, broken between words at kHelpWidth.
void append_wrapped(std::string& out, std::string_view text, std::size_t column, std::size_t used) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (used > column && used + 1 + end > kHelpWidth) {
      out += '\n' + std::string(column, ' ');
      used = column;
    } else if (used > column) {
      out += ' ';
      ++used;
    }
    out += text.substr(0, end);
    used += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out += '\n';
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 60)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + (text.size() > 60 ? "...\"" : "\"");
}

std::uint64_t parse_integer(std::string_view option, std::string_view text, std::uint64_t minimum,
                            std::uint64_t maximum) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size() && error == std::errc() && !text.empty();
  if (whole && value >= minimum && value <= maximum) return value;
  std::string expected = "an integer";
  if (maximum != std::numeric_limits<std::uint64_t>::max()) {
    expected += " from " + std::to_string(minimum) + " to " + std::to_string(maximum);
  } else {
    expected += " of at least " + std::to_string(minimum);
  }
  bad_value(option, expected, text);
}

double parse_real(std::string_view option, std::string_view text, double minimum, double maximum) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size() && error == std::errc() && !text.empty();
  if (whole && std::isfinite(value) && value >= minimum && value <= maximum) return value;
  bad_value(option, "a number from " + number_text(minimum) + " to " + number_text(maximum), text);
}

std::uint64_t parse_bytes(std::string_view option, std::string_view text) {
  unsigned shift = 0;
  if (!text.empty()) {
    const std::size_t unit = std::string_view("KMGT").find(text.back());
    if (unit != std::string_view::npos) shift = 10 * (static_cast<unsigned>(unit) + 1);
  }
  std::uint64_t value = 0;
  const char* last = text.data() + text.size() - (shift != 0 ? 1 : 0);
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (text.empty() || end != last || error != std::errc() ||
      value > (std::numeric_limits<std::uint64_t>::max() >> shift)) {
    bad_value(option, "a number of bytes such as 1000000, 512M or 16G", text);
  }
  return value << shift;
}

namespace {

/// Calls item(place, text) for each of what commas separate, spaces around it left out.
template <class Item>
void for_each_item(std::string_view option, std::string_view text, const Item& take) {
  for (std::size_t count = 1;; ++count) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    take(std::string(option) + ", item " + std::to_string(count), item);
    if (comma == text.size()) return;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

std::vector<std::uint64_t> parse_list(std::string_view option, std::string_view text,
                                      std::uint64_t maximum) {
  std::vector<std::uint64_t> values;
  for_each_item(option, text, [&](const std::string& place, std::string_view item) {
    values.push_back(parse_integer(place, item, 0, maximum));
  });
  return values;
}

std::vector<double> parse_reals(std::string_view option, std::string_view text, double minimum,
                                double maximum) {
  std::vector<double> values;
  for_each_item(option, text, [&](const std::string& place, std::string_view item) {
    values.push_back(parse_real(place, item, minimum, maximum));
  });
  return values;
}

void OptionTable::section(std::string title) { add({"", "", std::move(title), {}}); }

void OptionTable::flag(std::string name, std::string help, bool& target) {
  add({std::move(name), "", std::move(help), [&target](std::string_view) { target = true; }});
}

void OptionTable::text(std::string name, std::string value, std::string help,
                       std::optional<std::string>& target) {
  add({std::move(name), std::move(value), std::move(help),
       [&target](std::string_view found) { target = found; }});
}

void OptionTable::texts(const std::string& name, std::string value, std::string help,
                        std::vector<std::string>& target) {
  add({name, std::move(value), std::move(help), [=, &target](std::string_view found) {
         if (found.empty()) bad_value(name, "a text", found);
         target.emplace_back(found);
       }});
}

void OptionTable::bytes(const std::string& name, std::string help, std::uint64_t& target) {
  add({name, "BYTES", std::move(help),
       [=, &target](std::string_view found) { target = parse_bytes(name, found); }});
}

void OptionTable::list(const std::string& name, std::string value, std::string help,
                       std::optional<std::vector<std::uint64_t>>& target, std::uint64_t maximum) {
  add({name, std::move(value), std::move(help),
       [=, &target](std::string_view found) { target = parse_list(name, found, maximum); }});
}

void OptionTable::reals(const std::string& name, std::string value, std::string help,
                        double minimum, double maximum, std::vector<double>& target) {
  add({name, std::move(value), std::move(help), [=, &target](std::string_view found) {
         target = parse_reals(name, found, minimum, maximum);
       }});
}

void OptionTable::number_or(const std::string& name, std::string help,
                            const std::vector<std::pair<std::string, std::int32_t>>& words,
                            std::uint32_t minimum, std::uint32_t maximum, std::int32_t& target) {
  std::string names;
  for (const auto& word : words) names += word.first + "|";
  add({name, names + "N", std::move(help), [=, &target](std::string_view found) {
         for (const auto& word : words) {
           if (word.first == found) {
             target = word.second;
             return;
           }
         }
         std::uint32_t value = 0;
         const auto [end, error] =
             std::from_chars(found.data(), found.data() + found.size(), value);
         const bool whole = error == std::errc() && end == found.data() + found.size();
         if (!whole || value < minimum || value > maximum) {
           bad_value(name,
                     names + "N with N from " + std::to_string(minimum) + " to " +
                         std::to_string(maximum),
                     found);
         }
         target = static_cast<std::int32_t>(value);
       }});
}

const OptionTable::Option* OptionTable::find(std::string_view name) const {
  for (const Option& option : options_) {
    if (!option.name.empty() && option.name == name) return &option;
  }
  return nullptr;
}

void OptionTable::unknown(const std::string& name) const {
  const Option* nearest = nullptr;
  std::size_t least = 2 + name.size() / 8;  // a slip: one wrong letter in short names, two in long
  for (const Option& option : options_) {
    if (option.name.empty() || option.help.empty()) continue;
    const std::size_t letters = distance(name, option.name);
    if (letters < least) {
      least = letters;
      nearest = &option;
    }
  }
  throw UsageError("unknown option " + shown(name) +
                   (nearest != nullptr ? "; did you mean " + nearest->name + "?" : ""));
}

bool OptionTable::parse(const std::vector<std::string>& arguments) const {
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") return false;
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!argument.starts_with("-") || argument == "-") {
      throw UsageError("unexpected argument " + shown(argument) + "; values follow an option");
    }
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const Option* option = find(name);
    if (option == nullptr) unknown(name);
    if (option->value.empty()) {
      if (equals != std::string::npos)
        throw UsageError(name + " takes no value, found " + shown(argument.substr(equals + 1)));
      option->apply({});
    } else if (equals != std::string::npos) {
      option->apply(std::string_view(argument).substr(equals + 1));
    } else if (i + 1 == arguments.size()) {
      throw UsageError(name + ": expected a value (" + option->value + "), found nothing");
    } else if (find(arguments[i + 1]) != nullptr) {
      // A forgotten value is likelier than a text that looks like an option; "--name=--text" says
      // the latter.
      throw UsageError(name + ": expected a value (" + option->value + "), found the option " +
                       arguments[i + 1]);
    } else {
      option->apply(arguments[++i]);
    }
  }
  return true;
}

std::string OptionTable::help() const {
  std::string out = "Usage: gemma4 " + synopsis_ + "\n\n";
  append_wrapped(out, about_, 0, 0);
  for (const Option& option : options_) {
    if (option.help.empty()) continue;
    if (option.name.empty()) {
      out += '\n' + option.help + '\n';
      continue;
    }
    std::string left = "  " + option.name + (option.value.empty() ? "" : " " + option.value);
    if (left.size() + 2 > kHelpColumn) {
      out += left + '\n';
      left.clear();
    }
    out += left + std::string(kHelpColumn - left.size(), ' ');
    append_wrapped(out, option.help, kHelpColumn, kHelpColumn);
  }
  return out;
}

}  // namespace cli
