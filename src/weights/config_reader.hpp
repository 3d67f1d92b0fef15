// The part of a configuration's metadata that models and assistants have in common, checked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/metadata.hpp"
#include "weights/model_config.hpp"

namespace gemma4 {

/// Reads keys under "<architecture>.". Throws Error(format) naming file, key, expected and found.
class ConfigReader {
 public:
  ConfigReader(const Metadata& metadata, std::string prefix)
      : metadata_(metadata), prefix_(std::move(prefix)) {}

  const Metadata& metadata() const { return metadata_; }
  std::string key(const char* name) const { return prefix_ + "." + name; }

  [[noreturn]] void refuse(const char* name, const std::string& expected,
                           const std::string& found) const;

  std::uint32_t integer(const char* name, std::uint64_t low, std::uint64_t high) const;
  std::uint32_t width(const char* name) const;  ///< a positive multiple of 32
  std::uint64_t optional_integer(const char* name) const;

  /// A positive finite number; a fallback of 0 makes the key mandatory.
  double real(const char* name, double fallback) const;

  /// All of a ModelConfig but architecture, softcap, embedding_scale and sampling.
  void read_shapes(ModelConfig& config) const;

 private:
  std::uint32_t checked(const char* name, std::uint64_t value, std::uint64_t low,
                        std::uint64_t high) const;
  /// One value per layer; a scalar stands for all layers.
  std::vector<std::uint32_t> per_layer(const char* name, std::size_t layers,
                                       std::uint64_t high) const;
  std::uint32_t multiple_of_32(const char* name, std::uint32_t value) const;
  std::vector<LayerConfig> read_layers(std::uint32_t query_heads) const;
  std::uint32_t read_vocabulary() const;

  const Metadata& metadata_;
  std::string prefix_;
};

}  // namespace gemma4
