// Packed files: written once, mapped by every later load.
#pragma once

#include <optional>
#include <string>

#include "io/gguf.hpp"
#include "weights/weights.hpp"

namespace gemma4 {

/// Where the packed form of `source` lies: at `place`, or, if that is a folder or nothing, there or
/// beside the source under the source's name with the suffix .g4pack.
std::string packed_path(const GgufFile& source, const std::string& place);

/// Writes the packed form of `source`, which is not packed itself, and gives its bytes. The file
/// appears whole or not at all. Throws Error(io), Error(cancelled).
std::uint64_t write_packed(const GgufFile& source, const WeightPlan& plan, const std::string& path,
                           const ReadJob& job);

/// The packed form of `source` at packed_path(), opened; nothing when it is missing, damaged, of
/// another version or of another source.
std::optional<GgufFile> find_packed(const GgufFile& source, const std::string& place);

/// Compares all weights of a packed file with its hash. Throws Error(format) when they differ,
/// Error(cancelled).
void verify_contents(const GgufFile& packed, const ReadProgress& progress,
                     const std::stop_token& stop);

}  // namespace gemma4
