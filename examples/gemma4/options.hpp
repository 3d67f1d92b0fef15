// Command-line options as a table: declared once, they parse themselves and print their own help.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemma4/tokenizer.hpp"

namespace cli {

/// A command line that cannot be understood: exit code 2. what() names the option, the expected and
/// the found.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Text from the user or a file made fit for one line of a message: at most 60 bytes, control
/// characters escaped.
std::string shown(std::string_view text);

/// Numbers as they stand in an option, checked to the last character. `option` is for the message.
/// Throw UsageError.
std::uint64_t parse_integer(std::string_view option, std::string_view text, std::uint64_t minimum,
                            std::uint64_t maximum);
double parse_real(std::string_view option, std::string_view text, double minimum, double maximum);
std::uint64_t parse_bytes(std::string_view option, std::string_view text);  ///< 1024, 512M, 16G
std::vector<std::uint64_t> parse_list(std::string_view option, std::string_view text,
                                      std::uint64_t maximum);
std::vector<double> parse_reals(std::string_view option, std::string_view text, double minimum,
                                double maximum);  ///< 0.5,1

/// The options of one command. Targets are plain variables or std::optional of one, which stays
/// empty when not given.
class OptionTable {
 public:
  /// `synopsis` follows the program's name in the help, `about` explains the command.
  OptionTable(std::string synopsis, std::string about)
      : synopsis_(std::move(synopsis)), about_(std::move(about)) {}

  void section(std::string title);  ///< a heading for the options that follow
  void flag(std::string name, std::string help, bool& target);
  void text(std::string name, std::string value, std::string help,
            std::optional<std::string>& target);
  void texts(const std::string& name, std::string value, std::string help,
             std::vector<std::string>& target);
  void bytes(const std::string& name, std::string help, std::uint64_t& target);
  void list(const std::string& name, std::string value, std::string help,
            std::optional<std::vector<std::uint64_t>>& target,
            std::uint64_t maximum = std::numeric_limits<std::uint64_t>::max());
  /// Numbers from `minimum` to `maximum`; `target` stays empty when not given.
  void reals(const std::string& name, std::string value, std::string help, double minimum,
             double maximum, std::vector<double>& target);

  template <class Target>
  void integer(const std::string& name, std::string value, std::string help, std::uint64_t minimum,
               std::uint64_t maximum, Target& target) {
    add({name, std::move(value), std::move(help), [=, &target](std::string_view found) {
           target = static_cast<typename ValueOf<Target>::Type>(
               parse_integer(name, found, minimum, maximum));
         }});
  }

  template <class Target>
  void real(const std::string& name, std::string value, std::string help, double minimum,
            double maximum, Target& target) {
    add({name, std::move(value), std::move(help), [=, &target](std::string_view found) {
           target = static_cast<typename ValueOf<Target>::Type>(
               parse_real(name, found, minimum, maximum));
         }});
  }

  /// One of several words. An empty help hides the option from the list.
  template <class Value>
  void choice(const std::string& name, std::string help,
              std::vector<std::pair<std::string, Value>> words, Value& target) {
    std::string names;
    for (const auto& word : words) names += (names.empty() ? "" : "|") + word.first;
    add({name, names, std::move(help), [=, &target](std::string_view found) {
           for (const auto& word : words) {
             if (word.first == found) {
               target = word.second;
               return;
             }
           }
           throw UsageError(name + ": expected " + names + ", found " + shown(found));
         }});
  }

  /// A number, or one of several words that stand for others. An empty help hides the option.
  void number_or(const std::string& name, std::string help,
                 const std::vector<std::pair<std::string, std::int32_t>>& words,
                 std::uint32_t minimum, std::uint32_t maximum, std::int32_t& target);

  /// Applies the arguments ("--name value", "--name=value"). False when --help was among them:
  /// nothing was applied.
  bool parse(const std::vector<std::string>& arguments) const;
  std::string help() const;

 private:
  template <class Target>
  struct ValueOf {
    using Type = Target;
  };
  template <class Value>
  struct ValueOf<std::optional<Value>> {
    using Type = Value;
  };

  struct Option {
    std::string name;   // with its dashes; empty: a section title in `help`
    std::string value;  // what stands for the value in the help; empty: a flag
    std::string help;   // empty: not listed
    std::function<void(std::string_view)> apply;
  };
  void add(Option option) { options_.push_back(std::move(option)); }
  const Option* find(std::string_view name) const;
  [[noreturn]] void unknown(const std::string& name) const;

  std::string synopsis_, about_;
  std::vector<Option> options_;
};

}  // namespace cli
