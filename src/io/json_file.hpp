// JSON files of a checkpoint's folder: a trust boundary.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gemma4 {

/// An object of a JSON file and the way to it, "text_config.rope_parameters". Views point into the
/// JsonFile it came from.
class JsonTable {
 public:
  /// Throws Error(format) when a key occurs twice.
  JsonTable(std::string file, std::string place, simdjson::dom::object object);

  // Getters: nothing when the key is absent or null; Error(format) naming file, key, expected and
  // found when the value has another kind or does not fit.
  std::optional<std::uint64_t> integer(std::string_view key) const;  ///< at least 0
  std::optional<double> real(std::string_view key) const;            ///< integers are accepted too
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string_view> text(std::string_view key) const;
  std::optional<JsonTable> table(std::string_view key) const;
  std::optional<simdjson::dom::array> array(std::string_view key) const;

  /// The value, or nothing when the key is absent or null.
  std::optional<simdjson::dom::element> find(std::string_view key) const;

  const simdjson::dom::object& members() const { return object_; }
  const std::string& file() const { return file_; }
  /// "<file>: <the way to the key>", for messages.
  std::string where(std::string_view key) const;
  /// Throws Error(code, "<where>: expected <expected>, found <found>").
  [[noreturn]] void refuse(std::string_view key, const std::string& expected,
                           const std::string& found, ErrorCode code = ErrorCode::format) const;

 private:
  [[noreturn]] void refuse_kind(std::string_view key, const char* expected,
                                simdjson::dom::element found) const;

  std::string file_, place_;
  simdjson::dom::object object_;
};

/// A parsed file whose value is an object. What is read from it lives no longer.
class JsonFile {
 public:
  /// `file` is the name for messages. Throws Error(format | out_of_memory).
  JsonFile(std::span<const std::byte> bytes, const std::string& file);
  JsonFile(const JsonFile&) = delete;
  JsonFile& operator=(const JsonFile&) = delete;

  JsonTable root() const { return {file_, {}, root_}; }

 private:
  std::string file_;
  simdjson::dom::parser parser_;
  simdjson::dom::object root_;
};

}  // namespace gemma4
