#include "io/gguf.hpp"

#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "io/gguf_part.hpp"

namespace gemma4 {
namespace {

constexpr std::size_t kDigits = 5;
constexpr std::string_view kExtension = ".gguf";

/// A file name of the form "<prefix>-00001-of-00003.gguf".
struct PartName {
  std::string prefix;
  std::uint64_t number = 0;  ///< counted from 1
  std::uint64_t count = 0;

  std::string with_number(std::uint64_t part) const {
    return format_text("%s-%05llu-of-%05llu%s", prefix.c_str(),
                       static_cast<unsigned long long>(part),
                       static_cast<unsigned long long>(count), kExtension.data());
  }
};

std::optional<std::uint64_t> five_digits(std::string_view text) {
  std::uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

std::optional<PartName> parse_part_name(const std::string& path) {
  const std::string_view view = path;
  constexpr std::string_view kOf = "-of-";
  const std::size_t tail = 1 + kDigits + kOf.size() + kDigits + kExtension.size();
  if (view.size() < tail || !view.ends_with(kExtension)) return std::nullopt;
  const std::string_view end = view.substr(view.size() - tail);
  const auto number = five_digits(end.substr(1, kDigits));
  const auto count = five_digits(end.substr(1 + kDigits + kOf.size(), kDigits));
  if (end[0] != '-' || end.substr(1 + kDigits, kOf.size()) != kOf || !number || !count) {
    return std::nullopt;
  }
  return PartName{std::string(view.substr(0, view.size() - tail)), *number, *count};
}

[[noreturn]] void fail_split(const std::string& file, const std::string& item,
                             const std::string& expected, const std::string& found) {
  fail(ErrorCode::format, file + ": " + item + ": expected " + expected + ", found " + found);
}

void expect_integer(const Metadata& metadata, const char* key, std::uint64_t expected) {
  const std::optional<std::uint64_t> found = metadata.unsigned_integer(key);
  if (found == expected) return;
  fail_split(metadata.file(), std::string("key \"") + key + "\"", std::to_string(expected),
             found ? std::to_string(*found) : "no such key");
}

/// Whether a part says that it is one of several.
bool is_split(const Metadata& metadata) {
  return metadata.unsigned_integer("split.count").value_or(1) > 1;
}

void append(Checkpoint& out, MappedFile file, GgufPart part) {
  for (const TensorView& tensor : part.tensors.all()) {
    if (!out.tensors.add(tensor)) {
      fail_split(file.path(), "tensor " + in_quotes(tensor.name),
                 "a name that is unique in all parts", "it twice");
    }
  }
  if (out.files.empty()) {
    out.path = file.path();
    out.metadata = std::move(part.metadata);
  }
  out.file_bytes += file.bytes().size();
  out.files.push_back(std::move(file));
}

/// All parts of a split checkpoint, in order, whichever of them `named` is.
Checkpoint open_parts(const MappedFile& named, const Metadata& metadata) {
  const std::optional<PartName> name = parse_part_name(named.path());
  const std::uint64_t count = *metadata.unsigned_integer("split.count");
  if (!name) {
    fail_split(named.path(), "file name",
               "one that ends in -00001-of-" +
                   format_text("%05llu", static_cast<unsigned long long>(count)) +
                   ".gguf or another part's number, for the key \"split.count\" says so",
               "another form");
  }
  if (name->count != count) {
    fail_split(named.path(), "key \"split.count\"",
               std::to_string(name->count) + " as in the file name", std::to_string(count));
  }
  if (name->number < 1 || name->number > count) {
    fail_split(named.path(), "file name", "a part from 1 to " + std::to_string(count),
               std::to_string(name->number));
  }
  Checkpoint out;
  for (std::uint64_t i = 0; i < count; ++i) {
    MappedFile file(name->with_number(i + 1));
    GgufPart part = parse_gguf(file.bytes(), file.path());
    expect_integer(part.metadata, "split.count", count);
    expect_integer(part.metadata, "split.no", i);
    append(out, std::move(file), std::move(part));
  }
  expect_integer(out.metadata, "split.tensors.count", out.tensors.all().size());
  return out;
}

Checkpoint open_whole(const std::string& path) {
  MappedFile file(path);
  GgufPart part = parse_gguf(file.bytes(), path);
  if (is_split(part.metadata)) return open_parts(file, part.metadata);
  Checkpoint out;
  append(out, std::move(file), std::move(part));
  return out;
}

}  // namespace

Checkpoint open_gguf(const std::string& path) {
  try {
    return open_whole(path);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory,
         path + ": no memory for the file's metadata and list of tensors");
  }
}

}  // namespace gemma4
