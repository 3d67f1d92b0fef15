// Typed key-value metadata of a checkpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gemma4 {

/// A value: integers of any width are widened, arrays hold one kind of element. Strings are views
/// into the mapped file, so metadata lives no longer than the Checkpoint it came from.
using MetadataValue =
    std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view,
                 std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>,
                 std::vector<bool>, std::vector<std::string_view>>;

class Metadata {
 public:
  explicit Metadata(std::string file = {}) : file_(std::move(file)) {}

  /// Adds a value; false when the key is taken.
  bool add(std::string_view key, MetadataValue value);
  bool has(std::string_view key) const { return find(key) != nullptr; }
  const MetadataValue* find(std::string_view key) const;

  // Getters: nothing when the key is absent; Error(format) naming file, key, expected and found
  // kind when the value has another kind or does not fit. Integers of any width and sign are
  // accepted where the number fits.
  std::optional<std::uint64_t> unsigned_integer(std::string_view key) const;
  std::optional<double> real(std::string_view key) const;  ///< integers are accepted too
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string_view> text(std::string_view key) const;
  /// A single integer gives one element.
  std::optional<std::vector<std::uint64_t>> unsigned_array(std::string_view key) const;
  /// Integers 0 and 1 are accepted.
  std::optional<std::vector<bool>> boolean_array(std::string_view key) const;
  const std::vector<std::string_view>* text_array(std::string_view key) const;

  /// All values, in the order of their keys.
  const std::map<std::string, MetadataValue, std::less<>>& all() const { return values_; }

  const std::string& file() const { return file_; }  ///< for messages
  std::size_t size() const { return values_.size(); }

 private:
  std::string file_;
  std::map<std::string, MetadataValue, std::less<>> values_;
};

}  // namespace gemma4
