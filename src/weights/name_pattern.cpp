#include "weights/name_pattern.hpp"

#include <string>

#include "base/error.hpp"

namespace gemma4 {
namespace {

constexpr int kMaxGroups = 64;  // within each other; the parser recurses into them

using Set = std::bitset<256>;

void add_range(Set& set, unsigned char first, unsigned char last) {
  for (unsigned c = first; c <= last; ++c) set.set(c);
}

Set one(char c) { return Set().set(static_cast<unsigned char>(c)); }

/// What a backslash and `c` stand for in ASCII; empty: nothing known.
Set escaped(char c) {
  Set set;
  switch (c) {
    case 'D':
    case 'd':
      add_range(set, '0', '9');
      break;
    case 'W':
    case 'w':
      add_range(set, '0', '9'), add_range(set, 'a', 'z'), add_range(set, 'A', 'Z'), set.set('_');
      break;
    case 'S':
    case 's':
      add_range(set, '\t', '\r'), set.set(' ');
      break;
    default: {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      const bool digit = c >= '0' && c <= '9';
      return letter || digit ? Set() : one(c);
    }
  }
  return c >= 'a' ? set : ~set;
}

}  // namespace

/// Recursive descent: alternatives of sequences of repeated atoms.
class NamePatternParser {
 public:
  explicit NamePatternParser(std::string_view pattern) : pattern_(pattern), rest_(pattern) {}

  std::vector<NamePattern::Step> parse() {
    if (pattern_.size() > NamePattern::kMaxBytes) refuse("it is too long");
    Steps steps = alternatives();
    if (!rest_.empty()) refuse("unbalanced )");
    return steps;
  }

 private:
  using Kind = NamePattern::Kind;
  using Steps = std::vector<NamePattern::Step>;

  [[noreturn]] void refuse(const char* problem) const {
    fail(ErrorCode::unsupported, "expected a simple regular expression of at most " +
                                     std::to_string(NamePattern::kMaxBytes) + " bytes, found " +
                                     in_quotes(pattern_) + ": " + problem);
  }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  char next() {
    if (rest_.empty()) refuse("it ends too early");
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  static void append(Steps& to, const Steps& steps) {
    to.insert(to.end(), steps.begin(), steps.end());
  }
  static std::int32_t size_of(const Steps& steps) {
    return static_cast<std::int32_t>(steps.size());
  }

  Steps alternatives() {
    if (++depth_ > kMaxGroups) refuse("too many groups within each other");
    Steps first = sequence();
    while (take('|')) {
      const Steps second = sequence();
      Steps both = {{Kind::split, size_of(first) + 2}};
      append(both, first);
      both.push_back({Kind::jump, size_of(second) + 1});
      append(both, second);
      first = std::move(both);
    }
    --depth_;
    return first;
  }

  Steps sequence() {
    Steps steps;
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')')
      append(steps, repeated(atom()));
    return steps;
  }

  Steps repeated(Steps steps) {
    if (rest_.empty()) return steps;
    const char sign = rest_.front();
    if (sign == '{') refuse("counted repetition");
    if (sign != '*' && sign != '+' && sign != '?') return steps;
    next();
    take('?');  // a lazy repetition matches the same names
    const std::int32_t size = size_of(steps);
    if (sign == '+') {
      steps.push_back({Kind::split, -size});
      return steps;
    }
    Steps out = {{Kind::split, size + (sign == '*' ? 2 : 1)}};
    append(out, steps);
    if (sign == '*') out.push_back({Kind::jump, -size - 1});
    return out;
  }

  Steps atom() {
    const char c = next();
    switch (c) {
      case '(': {
        if (take('?') && !take(':')) refuse("a group with a meaning of its own");
        Steps steps = alternatives();
        if (!take(')')) refuse("unbalanced (");
        return steps;
      }
      case '[':
        return {{Kind::character, 0, class_of()}};
      case '.':
        return {{Kind::character, 0, ~one('\n')}};
      case '^':
        return {{Kind::begin}};
      case '$':
        return {{Kind::end}};
      case '\\':
        return {{Kind::character, 0, escape()}};
      case '*':
      case '+':
      case '?':
        refuse("nothing to repeat");
      default:
        return {{Kind::character, 0, one(c)}};
    }
  }

  Set escape() {
    const Set set = escaped(next());
    if (set.none()) refuse("an escape that is not known");
    return set;
  }

  Set class_of() {
    const bool inverted = take('^');
    Set set;
    for (bool first = true; first || !take(']'); first = false) {
      const char c = next();
      if (c == '\\') {
        set |= escape();
      } else if (rest_.size() >= 2 && rest_[0] == '-' && rest_[1] != ']') {
        next();
        const char last = next();
        if (last == '\\' || static_cast<unsigned char>(last) < static_cast<unsigned char>(c))
          refuse("a range without an order");
        add_range(set, static_cast<unsigned char>(c), static_cast<unsigned char>(last));
      } else {
        set |= one(c);
      }
    }
    return inverted ? ~set : set;
  }

  std::string_view pattern_, rest_;
  int depth_ = 0;
};

NamePattern::NamePattern(std::string_view pattern) : steps_(NamePatternParser(pattern).parse()) {}

bool NamePattern::matches(std::string_view name) const {
  const std::size_t accept = steps_.size();
  std::vector<std::size_t> now, later, open;
  std::vector<std::size_t> seen(steps_.size() + 1, 0);  // the position a place was reached at, + 1
  const auto reach = [&](std::size_t place, std::size_t at, std::vector<std::size_t>& places) {
    open.assign(1, place);
    while (!open.empty()) {
      const std::size_t i = open.back();
      open.pop_back();
      if (seen[i] == at + 1) continue;
      seen[i] = at + 1;
      if (i == accept || steps_[i].kind == Kind::character) {
        places.push_back(i);
        continue;
      }
      const Step& step = steps_[i];
      const std::size_t other = static_cast<std::size_t>(static_cast<std::int64_t>(i) + step.other);
      const bool held = step.kind == Kind::begin ? at == 0 : at == name.size();
      if (step.kind == Kind::split || step.kind == Kind::jump) open.push_back(other);
      if (step.kind == Kind::split) open.push_back(i + 1);
      if ((step.kind == Kind::begin || step.kind == Kind::end) && held) open.push_back(i + 1);
    }
  };
  reach(0, 0, now);
  for (std::size_t at = 0;; ++at) {
    for (const std::size_t i : now) {
      if (i == accept) return true;
      if (at < name.size() && steps_[i].set.test(static_cast<unsigned char>(name[at])))
        reach(i + 1, at + 1, later);
    }
    if (at >= name.size() || later.empty()) return false;
    now.swap(later);
    later.clear();
  }
}

}  // namespace gemma4
