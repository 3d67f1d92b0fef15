// Packed files: written once, mapped by every later load.
#pragma once

#include <optional>
#include <string>

#include "base/log.hpp"
#include "io/checkpoint.hpp"
#include "weights/weights.hpp"

namespace gemma4 {

/// Where the packed form of `source` lies: at `place`, or, if that is a folder or nothing, there or
/// beside the source (of a folder: beside the folder) under the source's name with the suffix
/// .g4pack.
std::string packed_path(const Checkpoint& source, const std::string& place);

/// Writes the packed form of `source`, which is not packed itself, and gives its bytes. `plan` was
/// made with `storage`. The file appears whole or not at all. Throws Error(io), Error(cancelled).
std::uint64_t write_packed(const Checkpoint& source, const WeightPlan& plan,
                           const WeightStorage& storage, const std::string& path,
                           const ReadJob& job);

/// The packed form of `source` at packed_path(), opened; nothing when it is missing, damaged, of
/// another version, of another source or with another storage, which `log` is told.
std::optional<Checkpoint> find_packed(const Checkpoint& source, const std::string& place,
                                      const WeightStorage& storage, const Log& log);

/// Compares all weights of a packed file with its hash. Throws Error(format) when they differ,
/// Error(cancelled).
void verify_contents(const Checkpoint& packed, const ReadProgress& progress,
                     const std::stop_token& stop);

}  // namespace gemma4
