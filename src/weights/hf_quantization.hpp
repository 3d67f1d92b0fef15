// quantization_config of a Hugging Face folder: which modules are quantised, and how.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/json_file.hpp"
#include "weights/name_pattern.hpp"

namespace gemma4 {

/// How the linear layers of a group are quantised: 4-bit codes, scales per group of columns.
struct QuantizationScheme {
  std::uint64_t group = 0;  ///< columns that share a scale; 0: the whole row ("channel")
  bool symmetric = true;    ///< otherwise each group has a zero point
};

/// compressed-tensors, "pack-quantized". Throws Error(format | unsupported) for anything else,
/// naming file, key, expected and found.
class HfQuantization {
 public:
  /// `root` of config.json, which may have no quantization_config.
  explicit HfQuantization(const JsonTable& root);

  /// The scheme of a linear layer, or nullptr when it is left alone.
  const QuantizationScheme* scheme_of(std::string_view module) const;

 private:
  /// Names as compressed-tensors matches them: whole, by class, or by an expression after "re:".
  struct Names {
    std::vector<std::string> whole;
    std::vector<NamePattern> patterns;
    bool linear = false;  // "Linear", the class of all that is quantised here
    bool contain(std::string_view module) const;
  };
  struct Group {
    Names targets;
    QuantizationScheme scheme;
  };

  static Names read_names(const JsonTable& table, const char* key);
  static QuantizationScheme read_scheme(const JsonTable& weights);
  static Group read_group(const JsonTable& table);

  std::vector<Group> groups_;
  Names ignored_;
};

}  // namespace gemma4
