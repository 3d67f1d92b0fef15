// The files of a model, opened and checked, before their weights are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "gemma4/model.hpp"
#include "io/checkpoint.hpp"
#include "weights/assistant_config.hpp"
#include "weights/model_config.hpp"
#include "weights/weights.hpp"

namespace gemma4 {

/// A file of weights, and the packed file that takes its place if there is one. The plan points
/// into both, so they stay where they are.
template <class Config>
struct OpenedFile {
  /// `packed_path`, `activations` and `storage` as in LoadOptions; `log` is told what becomes of
  /// the packed file.
  OpenedFile(const std::string& path, const std::string& packed_path, ActivationType activations,
             const WeightStorage& storage, const Log& log = {});
  OpenedFile(const std::string& path, Checkpoint source, const std::string& packed_path,
             ActivationType activations, const WeightStorage& storage, const Log& log = {});
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;

  Checkpoint& file() { return packed ? *packed : source; }
  /// The packed file that is used; empty: none.
  std::string packed_file() const;
  /// Of the description, of samples of the tensors, and of the arithmetic chosen for them. The same
  /// for a file and for what pack() made of it.
  std::uint64_t fingerprint() const;

  std::string path;
  Checkpoint source;
  std::optional<Checkpoint> packed;
  Config config;
  WeightPlan plan;
};

/// A model, and its assistant when one is named. The two fit together.
struct OpenedFiles {
  OpenedFiles(const std::string& path, const std::string& assistant_path,
              const std::string& packed_path, ActivationType activations,
              const StorageOptions& storage, const Log& log = {});

  /// Weights and tables.
  std::uint64_t weights_bytes() const;
  std::uint64_t assistant_bytes() const;
  std::uint64_t source_bytes() const;  ///< to be read
  ModelInfo info() const;

  OpenedFile<ModelConfig> model;
  std::optional<OpenedFile<AssistantConfig>> assistant;
};

}  // namespace gemma4
