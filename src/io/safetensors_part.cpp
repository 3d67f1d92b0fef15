#include "io/safetensors_part.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "io/byte_reader.hpp"
#include "io/json_file.hpp"

namespace gemma4 {
namespace {

/// The format's own limit.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

/// Far above every real tensor; with it a shape's text stays short.
constexpr std::size_t kMaxDimensions = 16;

constexpr SafetensorsType kTypes[] = {
    {"BOOL", 8, {}},
    {"F4", 4, {}},
    {"F6_E2M3", 6, {}},
    {"F6_E3M2", 6, {}},
    {"U8", 8, {}},
    {"I8", 8, TensorType::i8},
    {"F8_E5M2", 8, {}},
    {"F8_E4M3", 8, {}},
    {"F8_E8M0", 8, {}},
    {"I16", 16, TensorType::i16},
    {"U16", 16, {}},
    {"F16", 16, TensorType::f16},
    {"BF16", 16, TensorType::bf16},
    {"I32", 32, TensorType::i32},
    {"U32", 32, {}},
    {"F32", 32, TensorType::f32},
    {"C64", 64, {}},
    {"F64", 64, TensorType::f64},
    {"I64", 64, TensorType::i64},
    {"U64", 64, {}},
};

const SafetensorsType& type_of(const JsonTable& entry) {
  const auto name = entry.text("dtype");
  if (!name) entry.refuse("dtype", "a type", "no such key");
  for (const SafetensorsType& type : kTypes) {
    if (*name == type.name) return type;
  }
  std::string known;
  for (const SafetensorsType& type : kTypes)
    known += std::string(known.empty() ? "" : ", ") + type.name;
  entry.refuse("dtype", "one of " + known, in_quotes(*name), ErrorCode::unsupported);
}

/// The array's numbers, of which there may be `most`.
std::vector<std::uint64_t> numbers(const JsonTable& entry, const char* key, std::size_t most) {
  const auto array = entry.array(key);
  if (!array) entry.refuse(key, "an array of numbers", "no such key");
  std::vector<std::uint64_t> out;
  for (const simdjson::dom::element element : *array) {
    std::uint64_t number;
    if (element.get(number) != simdjson::SUCCESS)
      entry.refuse(key, "integers from 0 to 2^64 - 1", "something else");
    if (out.size() == most)
      entry.refuse(key, "at most " + std::to_string(most) + " numbers", "more");
    out.push_back(number);
  }
  return out;
}

/// Bytes of a shape, or nothing when 64 bits do not hold them or they are not whole.
std::optional<std::uint64_t> bytes_of(const std::vector<std::uint64_t>& shape, std::uint32_t bits) {
  std::optional<std::uint64_t> count = 1;
  for (const std::uint64_t extent : shape) count = count ? checked_mul(*count, extent) : count;
  if (count) count = checked_mul(*count, bits);
  if (!count || *count % 8 != 0) return std::nullopt;
  return *count / 8;
}

std::string range_text(std::uint64_t begin, std::uint64_t end) {
  return "[" + std::to_string(begin) + ", " + std::to_string(end) + "]";
}

SafetensorsTensor read_tensor(std::string_view name, const JsonTable& entry,
                              std::span<const std::byte> data) {
  SafetensorsTensor tensor{
      std::string(name), &type_of(entry), numbers(entry, "shape", kMaxDimensions), {}};
  const std::vector<std::uint64_t> range = numbers(entry, "data_offsets", 2);
  if (range.size() != 2) entry.refuse("data_offsets", "two numbers", std::to_string(range.size()));
  const std::uint64_t begin = range[0], end = range[1];
  if (begin > end || end > data.size()) {
    entry.refuse("data_offsets",
                 "a range within the " + std::to_string(data.size()) + " bytes of data",
                 range_text(begin, end));
  }
  const auto expected = bytes_of(tensor.shape, tensor.type->bits);
  if (expected != end - begin) {
    entry.refuse("data_offsets",
                 expected ? std::to_string(*expected) + " bytes for the shape"
                          : std::string("a shape whose bytes can be counted"),
                 range_text(begin, end));
  }
  tensor.bytes =
      data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  return tensor;
}

/// Every byte of the data belongs to one tensor.
void check_cover(const std::vector<SafetensorsTensor>& tensors, std::span<const std::byte> data,
                 const std::string& file) {
  std::vector<const SafetensorsTensor*> order;
  order.reserve(tensors.size());
  for (const SafetensorsTensor& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->bytes.data(), a->bytes.size()) <
           std::pair(b->bytes.data(), b->bytes.size());
  });
  const std::byte* next = data.data();
  const auto at = [&](const std::byte* place) { return std::to_string(place - data.data()); };
  for (const SafetensorsTensor* tensor : order) {
    if (tensor->bytes.data() != next) {
      fail(ErrorCode::format,
           file + ": tensor " + in_quotes(tensor->name) + ": expected data from byte " + at(next) +
               " on, where the tensor before it ends, found it at " + at(tensor->bytes.data()));
    }
    next += tensor->bytes.size();
  }
  if (next != data.data() + data.size()) {
    fail(ErrorCode::format, file + ": expected the tensors' data to end the file, found " +
                                std::to_string(data.data() + data.size() - next) +
                                " bytes that no tensor has");
  }
}

std::vector<SafetensorsTensor> parse(std::span<const std::byte> bytes, const std::string& file) {
  ByteReader reader(bytes, file);
  const std::uint64_t header_bytes = reader.number<std::uint64_t>("header length");
  if (header_bytes > kMaxHeaderBytes)
    reader.mismatch("header length", "at most " + std::to_string(kMaxHeaderBytes), header_bytes);
  const std::span<const std::byte> header = reader.take(header_bytes, "header");
  const std::span<const std::byte> data = bytes.subspan(reader.position());
  const JsonFile json(header, file);
  const JsonTable root = json.root();
  std::vector<SafetensorsTensor> tensors;
  for (const simdjson::dom::key_value_pair member : root.members()) {
    const auto entry = root.table(member.key);
    if (!entry) root.refuse(member.key, "an object", "null");
    if (member.key != "__metadata__") tensors.push_back(read_tensor(member.key, *entry, data));
  }
  check_cover(tensors, data, file);
  return tensors;
}

}  // namespace

std::vector<SafetensorsTensor> parse_safetensors(std::span<const std::byte> bytes,
                                                 const std::string& file) {
  try {
    return parse(bytes, file);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, file + ": no memory for the list of tensors");
  }
}

}  // namespace gemma4
