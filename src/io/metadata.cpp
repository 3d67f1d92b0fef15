#include "io/metadata.hpp"

#include <limits>
#include <utility>

#include "base/error.hpp"

namespace gemma4 {
namespace {

/// The kind of a value in words, in the order of MetadataValue's alternatives.
const char* kind_name(const MetadataValue& value) {
  static constexpr const char* kNames[] = {
      "an unsigned integer",
      "a signed integer",
      "a real number",
      "a boolean",
      "a string",
      "an array of unsigned integers",
      "an array of signed integers",
      "an array of real numbers",
      "an array of booleans",
      "an array of strings",
  };
  static_assert(std::size(kNames) == std::variant_size_v<MetadataValue>);
  return kNames[value.index()];
}

[[noreturn]] void fail_key(const Metadata& metadata, std::string_view key, const char* expected,
                           const std::string& found) {
  fail(ErrorCode::format,
       metadata.file() + ": key " + in_quotes(key) + ": expected " + expected + ", found " + found);
}

std::string number_text(std::int64_t value) { return std::to_string(value); }
std::string number_text(std::uint64_t value) { return std::to_string(value); }

}  // namespace

bool Metadata::add(std::string_view key, MetadataValue value) {
  return values_.emplace(key, std::move(value)).second;
}

const MetadataValue* Metadata::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found != values_.end() ? &found->second : nullptr;
}

std::optional<std::uint64_t> Metadata::unsigned_integer(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<std::uint64_t>(value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(value)) {
    if (*number >= 0) return static_cast<std::uint64_t>(*number);
    fail_key(*this, key, "an integer of at least 0", number_text(*number));
  }
  fail_key(*this, key, "an integer", kind_name(*value));
}

std::optional<double> Metadata::real(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<double>(value)) return *number;
  if (const auto* number = std::get_if<std::uint64_t>(value)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<std::int64_t>(value)) return static_cast<double>(*number);
  fail_key(*this, key, "a number", kind_name(*value));
}

std::optional<bool> Metadata::boolean(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* flag = std::get_if<bool>(value)) return *flag;
  fail_key(*this, key, "a boolean", kind_name(*value));
}

std::optional<std::string_view> Metadata::text(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* string = std::get_if<std::string_view>(value)) return *string;
  fail_key(*this, key, "a string", kind_name(*value));
}

std::optional<std::vector<std::uint64_t>> Metadata::unsigned_array(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* numbers = std::get_if<std::vector<std::uint64_t>>(value)) return *numbers;
  if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(value)) {
    std::vector<std::uint64_t> out;
    out.reserve(numbers->size());
    for (const std::int64_t number : *numbers) {
      if (number < 0) {
        fail_key(*this, key, "integers of at least 0",
                 number_text(number) + " as element " + std::to_string(out.size()));
      }
      out.push_back(static_cast<std::uint64_t>(number));
    }
    return out;
  }
  if (std::holds_alternative<std::uint64_t>(*value) ||
      std::holds_alternative<std::int64_t>(*value)) {
    return std::vector<std::uint64_t>{*unsigned_integer(key)};
  }
  fail_key(*this, key, "an array of integers", kind_name(*value));
}

std::optional<std::vector<bool>> Metadata::boolean_array(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* flags = std::get_if<std::vector<bool>>(value)) return *flags;
  const auto from_integers = [&](const auto& numbers) {
    std::vector<bool> out;
    out.reserve(numbers.size());
    for (const auto number : numbers) {
      if (number != 0 && number != 1) {
        fail_key(*this, key, "booleans",
                 number_text(number) + " as element " + std::to_string(out.size()));
      }
      out.push_back(number == 1);
    }
    return out;
  };
  if (const auto* numbers = std::get_if<std::vector<std::uint64_t>>(value))
    return from_integers(*numbers);
  if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(value))
    return from_integers(*numbers);
  fail_key(*this, key, "an array of booleans", kind_name(*value));
}

const std::vector<std::string_view>* Metadata::text_array(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (value == nullptr) return nullptr;
  if (const auto* strings = std::get_if<std::vector<std::string_view>>(value)) return strings;
  fail_key(*this, key, "an array of strings", kind_name(*value));
}

}  // namespace gemma4
