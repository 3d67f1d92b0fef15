#include "weights/packed_header.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "weights/stream_hash.hpp"
#include "weights/weights.hpp"

namespace gemma4 {
namespace {

constexpr std::string_view kPrefix = "gemma4.packed.";
constexpr std::string_view kHeaderHash = "gemma4.packed.header_hash";
constexpr std::string_view kContentsHash = "gemma4.packed.contents_hash";
constexpr std::string_view kVersion = "gemma4.packed.version";
constexpr std::string_view kLayout = "gemma4.packed.layout";
constexpr std::string_view kSourceHash = "gemma4.packed.source_hash";
constexpr std::string_view kStorage = "gemma4.packed.storage";
constexpr std::string_view kActivations = "gemma4.packed.activations";
constexpr std::string_view kAlignment = "general.alignment";

/// Source bytes looked at on either end of a tensor.
constexpr std::size_t kSampleBytes = 4096;

/// What is set aside for a header before it is known how long it becomes.
constexpr std::size_t kLikelyHeader = 64u << 20;

// The two hashes are the first keys, so that their values stand at fixed places: magic, version,
// two counts; then per key a length, the key, a type and the value.
constexpr std::size_t kFirstKey = 4 + 4 + 8 + 8;
constexpr std::size_t kHeaderHashAt = kFirstKey + 8 + kHeaderHash.size() + 4;
constexpr std::size_t kContentsHashAt = kHeaderHashAt + 8 + 8 + kContentsHash.size() + 4;

enum : std::uint32_t { kBool = 7, kText = 8, kArray = 9, kU64 = 10, kI64 = 11, kF64 = 12 };

template <typename T>
void put(std::string& out, T value) {
  static_assert(std::is_arithmetic_v<T>);
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void put(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out += text;
}

template <typename T>
constexpr std::uint32_t value_type() {
  if constexpr (std::is_same_v<T, bool>) return kBool;
  if constexpr (std::is_same_v<T, std::uint64_t>) return kU64;
  if constexpr (std::is_same_v<T, std::int64_t>) return kI64;
  if constexpr (std::is_same_v<T, double>) return kF64;
  return kText;
}

/// Numbers are written as wide as Metadata holds them: other widths in the bytes, the same values.
struct ValueWriter {
  std::string& out;
  template <typename T>
  void operator()(const T& value) const {
    put(out, value_type<T>());
    put(out, value);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) const {
    put(out, std::uint32_t{kArray});
    put(out, value_type<T>());
    put(out, std::uint64_t{values.size()});
    for (const T value : values) put(out, value);
  }
};

void put_key(std::string& out, std::string_view key, const MetadataValue& value) {
  put(out, key);
  std::visit(ValueWriter{out}, value);
}

/// Keys that speak of the source's own file, not of the model.
bool of_the_file(std::string_view key) {
  return key == kAlignment || key.starts_with("split.") || key.starts_with(kPrefix);
}

std::uint64_t required_hash(const Metadata& metadata, std::string_view key) {
  const std::optional<std::uint64_t> hash = metadata.unsigned_integer(key);
  if (!hash)
    fail(ErrorCode::format, metadata.file() + ": key " + in_quotes(key) +
                                ": expected in a packed file, found no such key");
  return *hash;
}

/// Of all header bytes but the hash itself.
std::uint64_t header_hash(std::span<const std::byte> header) {
  StreamHash hash;
  hash.add(header.first(kHeaderHashAt));
  hash.add(header.subspan(kHeaderHashAt + 8));
  return hash.value();
}

bool begins_with_hash(std::span<const std::byte> header) {
  return header.size() >= kContentsHashAt + 8 &&
         std::memcmp(header.data() + kFirstKey + 8, kHeaderHash.data(), kHeaderHash.size()) == 0;
}

}  // namespace

bool is_packed(const Metadata& metadata) { return metadata.has(kVersion); }

std::uint64_t claimed_source_hash(const Metadata& metadata) {
  return required_hash(metadata, kSourceHash);
}

std::uint64_t claimed_contents_hash(const Metadata& metadata) {
  return required_hash(metadata, kContentsHash);
}

std::string storage_text(const WeightStorage& storage) {
  constexpr const char* kNames[] = {"exact", "q4_0", "q8_0", "q6_k"};
  if (storage.embedding == StoredAs::exact && storage.layers == StoredAs::exact) return {};
  return std::string("embedding ") + kNames[static_cast<std::size_t>(storage.embedding)] +
         ", layers " + kNames[static_cast<std::size_t>(storage.layers)];
}

std::string_view claimed_storage(const Metadata& metadata) {
  return metadata.text(kStorage).value_or("");
}

ActivationType claimed_activations(const Metadata& metadata) {
  const auto found = metadata.text(kActivations);
  for (const ActivationType type : {ActivationType::int8, ActivationType::int16}) {
    if (found == activation_type_name(type)) return type;
  }
  fail(ErrorCode::format, metadata.file() + ": key " + in_quotes(kActivations) +
                              ": expected int8 or int16, found " +
                              (found ? in_quotes(*found) : "no such key"));
}

void check_packed(const Checkpoint& file) {
  const Metadata& metadata = file.metadata;
  const std::string where = metadata.file() + ": packed file: ";
  const char* advice = "; pack the model again";
  const std::uint64_t version = metadata.unsigned_integer(kVersion).value_or(0);
  if (version != kPackedVersion) {
    fail(ErrorCode::unsupported, where + "version: expected " + std::to_string(kPackedVersion) +
                                     ", found " + std::to_string(version) + advice);
  }
  const std::string_view layout = metadata.text(kLayout).value_or("none");
  if (layout != kPackedLayout) {
    fail(ErrorCode::unsupported, where + "layout: expected " + in_quotes(kPackedLayout) +
                                     ", found " + in_quotes(layout) + advice);
  }
  const auto header = header_of(file.files.front().bytes(), file.tensors);
  if (file.files.size() != 1 || !begins_with_hash(header))
    fail(ErrorCode::format,
         where + "expected one file with the header's hash in front, found none");
  const std::uint64_t expected = required_hash(metadata, kHeaderHash);
  const std::uint64_t found = header_hash(header);
  if (found != expected) {
    fail(ErrorCode::format, where + format_text("header: expected hash %016llx, found %016llx",
                                                static_cast<unsigned long long>(expected),
                                                static_cast<unsigned long long>(found)));
  }
  claimed_activations(metadata);
}

std::span<const std::byte> header_of(std::span<const std::byte> bytes,
                                     const TensorDirectory& tensors) {
  const std::byte* end = bytes.data() + bytes.size();
  const std::byte* first = end;
  for (const TensorView& tensor : tensors.all()) {
    const std::byte* data = tensor.bytes.data();
    if (data >= bytes.data() && data < end) first = std::min(first, data);
  }
  return {bytes.data(), first};
}

std::uint64_t source_hash(const Checkpoint& source) {
  StreamHash hash;
  for (const MappedFile& file : source.files) {
    const std::uint64_t size = file.bytes().size();
    hash.add(std::as_bytes(std::span(&size, 1)));
    hash.add(header_of(file.bytes(), source.tensors));
  }
  for (const TensorView& tensor : source.tensors.all()) {
    for (const auto bytes : {tensor.bytes, tensor.groups.bytes, tensor.groups.zeros}) {
      const std::size_t sample = std::min(kSampleBytes, bytes.size());
      hash.add(bytes.first(sample));
      hash.add(bytes.last(sample));
    }
  }
  return hash.value();
}

std::string packed_header(const Checkpoint& source, const WeightStorage& storage,
                          ActivationType made_for, const std::vector<PlacedTensor>& tensors) {
  std::string header;
  // Metadata with a vocabulary are tens of megabytes: growing would copy them several times.
  header.reserve(
      std::min(kLikelyHeader, 2 * header_of(source.files.front().bytes(), source.tensors).size()));
  header = "GGUF";
  put(header, std::uint32_t{3});
  put(header, std::uint64_t{tensors.size()});
  const std::size_t count_at = header.size();
  put(header, std::uint64_t{0});
  put_key(header, kHeaderHash, std::uint64_t{0});
  put_key(header, kContentsHash, std::uint64_t{0});
  put_key(header, kVersion, kPackedVersion);
  put_key(header, kLayout, std::string_view(kPackedLayout));
  put_key(header, kSourceHash, source_hash(source));
  put_key(header, kActivations, std::string_view(activation_type_name(made_for)));
  put_key(header, kAlignment, kPackedAlignment);
  std::uint64_t count = 7;
  if (const std::string stored = storage_text(storage); !stored.empty()) {
    put_key(header, kStorage, std::string_view(stored));
    ++count;
  }
  for (const auto& [key, value] : source.metadata.all()) {
    if (of_the_file(key)) continue;
    put_key(header, key, value);
    ++count;
  }
  std::memcpy(header.data() + count_at, &count, sizeof count);
  for (const PlacedTensor& tensor : tensors) {
    put(header, std::string_view(tensor.name));
    put(header, static_cast<std::uint32_t>(tensor.shape.size()));
    for (const std::uint64_t extent : tensor.shape) put(header, extent);
    put(header, static_cast<std::uint32_t>(tensor.type));
    put(header, tensor.offset);
  }
  header.resize(round_up(header.size(), kPackedAlignment), '\0');
  return header;
}

void seal_header(std::string& header, std::uint64_t contents_hash) {
  std::memcpy(header.data() + kContentsHashAt, &contents_hash, 8);
  const std::uint64_t hash = header_hash(std::as_bytes(std::span(header)));
  std::memcpy(header.data() + kHeaderHashAt, &hash, 8);
}

}  // namespace gemma4
