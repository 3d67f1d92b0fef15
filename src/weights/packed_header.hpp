// The part of a packed file before its weights: a GGUF header with the source's metadata and a few
// keys of our own. docs/packed-files.md describes the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/model.hpp"
#include "io/checkpoint.hpp"

namespace gemma4 {

struct PlacedTensor;

/// Counts changes of the file, its keys and what they mean.
constexpr std::uint64_t kPackedVersion = 3;

/// Names the arrangement of kernels/tiles.hpp. A change there needs a new name here: a test
/// compares the packed bytes with a hash.
constexpr const char* kPackedLayout = "16x4-1";

/// Alignment of every tensor: a cache line, as in memory.
constexpr std::uint64_t kPackedAlignment = 64;

/// Whether a file says that it is a packed one.
bool is_packed(const Metadata& metadata);

/// Refuses a packed file of another version or layout (unsupported) and one whose header is not as
/// it was written (format), naming expected and found. The weights are not looked at.
void check_packed(const Checkpoint& file);

/// What stands in a packed file for the file it was made from: sizes, headers, and the first and
/// last 4 KiB of every tensor of `source`.
std::uint64_t source_hash(const Checkpoint& source);

/// The hashes that a packed file claims. Throws Error(format) without them.
std::uint64_t claimed_source_hash(const Metadata& metadata);
std::uint64_t claimed_contents_hash(const Metadata& metadata);

/// What was quantised when a packed file was made: "embedding q8_0, layers q4_0"; empty: nothing.
std::string storage_text(const WeightStorage& storage);
std::string_view claimed_storage(const Metadata& metadata);

/// The activations that the packed model's checkpoint was made for, which its tiles alone do not
/// tell. Throws Error(format) unless the file says int8 or int16.
ActivationType claimed_activations(const Metadata& metadata);

/// The bytes before the first tensor of the file's mapping `bytes`.
std::span<const std::byte> header_of(std::span<const std::byte> bytes,
                                     const TensorDirectory& tensors);

/// The header of a packed file, padded to where its tensors begin, without its hashes.
std::string packed_header(const Checkpoint& source, const WeightStorage& storage,
                          ActivationType made_for, const std::vector<PlacedTensor>& tensors);

/// Enters the hash of the weights, and then the header's own.
void seal_header(std::string& header, std::uint64_t contents_hash);

}  // namespace gemma4
