#include "io/gguf_part.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "io/byte_reader.hpp"

namespace gemma4 {
namespace {

constexpr std::uint32_t kOldestVersion =
    2;  // the layout of 2 and 3 is the same; 1 counted in 32 bits
constexpr std::uint32_t kNewestVersion = 3;
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kMaxKeyBytes = 65535;      // GGUF's own limit
constexpr std::uint64_t kMaxTensorNameBytes = 63;  // ggml's limit: 64 with the terminator
// The fewest bytes that an entry can take: a key or name of one byte with its length, and the fixed
// fields after it.
constexpr std::uint64_t kMinKeyValueBytes = 9 + 4 + 1;
constexpr std::uint64_t kMinTensorInfoBytes = 9 + 4 + 8 + 4 + 8;

enum class ValueType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

struct Header {
  std::uint64_t tensors = 0;
  std::uint64_t key_values = 0;
};

/// A tensor as listed, before its place in the file is checked.
struct Listed {
  TensorView view;
  std::uint64_t offset = 0;  // from the start of the data section
  std::uint64_t size_bytes = 0;
};

std::string text_of(std::uint64_t number) { return std::to_string(number); }

Header read_header(ByteReader& reader) {
  const std::span<const std::byte> magic = reader.take(4, "magic");
  if (std::memcmp(magic.data(), "GGUF", 4) != 0) {
    reader.refuse(ErrorCode::format,
                  "not a GGUF file: expected the magic \"GGUF\", found " +
                      quoted({reinterpret_cast<const char*>(magic.data()), magic.size()}));
  }
  const std::uint32_t version = reader.number<std::uint32_t>("version");
  if ((version & 0xffffu) == 0 && version != 0) {
    reader.refuse(ErrorCode::unsupported, "big-endian GGUF file (version field " +
                                              text_of(version) + "): expected a little-endian one");
  }
  if (version < kOldestVersion || version > kNewestVersion) {
    reader.refuse(ErrorCode::unsupported,
                  "GGUF version: expected 2 or 3, found " + text_of(version));
  }
  Header header;
  header.tensors = reader.number<std::uint64_t>("number of tensors");
  header.key_values = reader.number<std::uint64_t>("number of keys");
  // Signed in ggml; a negative count is an enormous one here.
  const std::uint64_t room = reader.remaining_bytes();
  if (header.key_values > room / kMinKeyValueBytes) {
    reader.refuse(ErrorCode::format,
                  "number of keys: expected at most " + text_of(room / kMinKeyValueBytes) +
                      " in a file of this size, found " + text_of(header.key_values));
  }
  if (header.tensors > room / kMinTensorInfoBytes) {
    reader.refuse(ErrorCode::format,
                  "number of tensors: expected at most " + text_of(room / kMinTensorInfoBytes) +
                      " in a file of this size, found " + text_of(header.tensors));
  }
  return header;
}

bool checked_bool(ByteReader& reader, std::uint8_t byte) {
  if (byte > 1)
    reader.refuse(ErrorCode::format, "boolean: expected 0 or 1, found " + text_of(byte));
  return byte == 1;
}

[[noreturn]] void refuse_value_type(ByteReader& reader, std::uint32_t type) {
  reader.refuse(ErrorCode::format, "value type: expected 0 to 12, found " + text_of(type));
}

/// Refuses a count that the rest of the file cannot hold, before anything is allocated for it.
void check_count(ByteReader& reader, std::uint64_t count, std::uint64_t element_bytes) {
  if (count > reader.remaining_bytes() / element_bytes) {
    reader.refuse(ErrorCode::format, "array length: expected at most " +
                                         text_of(reader.remaining_bytes() / element_bytes) +
                                         " elements before the end of the file, found " +
                                         text_of(count));
  }
}

template <typename Stored, typename Wide>
MetadataValue read_numbers(ByteReader& reader, std::uint64_t count) {
  check_count(reader, count, sizeof(Stored));
  const std::byte* from = reader.take(count * sizeof(Stored), "array").data();
  std::vector<Wide> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored value;
    std::memcpy(&value, from + i * sizeof(Stored), sizeof(Stored));
    out[i] = static_cast<Wide>(value);
  }
  return out;
}

MetadataValue read_array(ByteReader& reader) {
  const std::uint32_t type = reader.number<std::uint32_t>("array element type");
  const std::uint64_t count = reader.number<std::uint64_t>("array length");
  switch (static_cast<ValueType>(type)) {
    case ValueType::u8:
      return read_numbers<std::uint8_t, std::uint64_t>(reader, count);
    case ValueType::u16:
      return read_numbers<std::uint16_t, std::uint64_t>(reader, count);
    case ValueType::u32:
      return read_numbers<std::uint32_t, std::uint64_t>(reader, count);
    case ValueType::u64:
      return read_numbers<std::uint64_t, std::uint64_t>(reader, count);
    case ValueType::i8:
      return read_numbers<std::int8_t, std::int64_t>(reader, count);
    case ValueType::i16:
      return read_numbers<std::int16_t, std::int64_t>(reader, count);
    case ValueType::i32:
      return read_numbers<std::int32_t, std::int64_t>(reader, count);
    case ValueType::i64:
      return read_numbers<std::int64_t, std::int64_t>(reader, count);
    case ValueType::f32:
      return read_numbers<float, double>(reader, count);
    case ValueType::f64:
      return read_numbers<double, double>(reader, count);
    case ValueType::boolean: {
      check_count(reader, count, 1);
      std::vector<bool> out;
      out.reserve(static_cast<std::size_t>(count));
      for (const std::byte byte : reader.take(count, "array")) {
        out.push_back(checked_bool(reader, std::to_integer<std::uint8_t>(byte)));
      }
      return out;
    }
    case ValueType::string: {
      check_count(reader, count, sizeof(std::uint64_t));
      std::vector<std::string_view> out;
      out.reserve(static_cast<std::size_t>(count));
      for (std::uint64_t i = 0; i < count; ++i) out.push_back(reader.string("string in an array"));
      return out;
    }
    case ValueType::array:
      reader.refuse(ErrorCode::unsupported,
                    "array element type: expected numbers, booleans or strings, found arrays");
  }
  refuse_value_type(reader, type);
}

MetadataValue read_value(ByteReader& reader) {
  const std::uint32_t type = reader.number<std::uint32_t>("value type");
  const char* what = "value";
  switch (static_cast<ValueType>(type)) {
    case ValueType::u8:
      return std::uint64_t{reader.number<std::uint8_t>(what)};
    case ValueType::u16:
      return std::uint64_t{reader.number<std::uint16_t>(what)};
    case ValueType::u32:
      return std::uint64_t{reader.number<std::uint32_t>(what)};
    case ValueType::u64:
      return reader.number<std::uint64_t>(what);
    case ValueType::i8:
      return std::int64_t{reader.number<std::int8_t>(what)};
    case ValueType::i16:
      return std::int64_t{reader.number<std::int16_t>(what)};
    case ValueType::i32:
      return std::int64_t{reader.number<std::int32_t>(what)};
    case ValueType::i64:
      return reader.number<std::int64_t>(what);
    case ValueType::f32:
      return double{reader.number<float>(what)};
    case ValueType::f64:
      return reader.number<double>(what);
    case ValueType::boolean:
      return checked_bool(reader, reader.number<std::uint8_t>(what));
    case ValueType::string:
      return reader.string(what);
    case ValueType::array:
      return read_array(reader);
  }
  refuse_value_type(reader, type);
}

void read_key_value(ByteReader& reader, Metadata& metadata) {
  const std::string_view key = reader.string("key");
  reader.set_item("key", key);
  if (key.empty() || key.size() > kMaxKeyBytes) {
    reader.refuse(ErrorCode::format, "key length: expected 1 to " + text_of(kMaxKeyBytes) +
                                         " bytes, found " + text_of(key.size()));
  }
  if (!metadata.add(key, read_value(reader))) {
    reader.refuse(ErrorCode::format, "expected a unique key, found it twice");
  }
}

std::uint64_t read_alignment(ByteReader& reader, const Metadata& metadata) {
  const char* key = "general.alignment";
  const std::uint64_t alignment = metadata.unsigned_integer(key).value_or(kDefaultAlignment);
  if (!std::has_single_bit(alignment) || alignment > (std::uint64_t{1} << 31)) {
    reader.set_item("key", key);
    reader.refuse(ErrorCode::format,
                  "expected a power of two of at most 2^31, found " + text_of(alignment));
  }
  return alignment;
}

/// Bytes of a tensor; refuses shapes that its type cannot have and sizes that 64 bits cannot hold.
std::uint64_t tensor_bytes(ByteReader& reader, const TensorView& view) {
  const TensorTypeTraits* traits = tensor_type_traits(view.type);
  if (traits == nullptr) {
    reader.refuse(ErrorCode::unsupported, "tensor type: expected a known one, found type " +
                                              text_of(static_cast<std::uint32_t>(view.type)));
  }
  if (view.ne[0] % traits->block_elements != 0) {
    reader.refuse(ErrorCode::format, std::string("row length: expected a multiple of ") +
                                         traits->name + "'s block of " +
                                         text_of(traits->block_elements) + ", found " +
                                         text_of(view.ne[0]));
  }
  std::optional<std::uint64_t> elements = 1;
  std::optional<std::uint64_t> bytes =
      checked_mul(view.ne[0] / traits->block_elements, traits->block_bytes);
  for (std::size_t i = 0; i < view.ne.size(); ++i) {
    if (elements) elements = checked_mul(*elements, view.ne[i]);
    if (bytes && i > 0) bytes = checked_mul(*bytes, view.ne[i]);
  }
  if (!elements || !bytes) {
    reader.refuse(ErrorCode::format, "shape: expected a size below 2^64 bytes, found " +
                                         text_of(view.ne[0]) + " x " + text_of(view.ne[1]) + " x " +
                                         text_of(view.ne[2]) + " x " + text_of(view.ne[3]));
  }
  return *bytes;
}

Listed read_tensor_info(ByteReader& reader) {
  const std::string_view name = reader.string("tensor name");
  reader.set_item("tensor", name);
  if (name.empty() || name.size() > kMaxTensorNameBytes) {
    reader.refuse(ErrorCode::format, "name length: expected 1 to " + text_of(kMaxTensorNameBytes) +
                                         " bytes, found " + text_of(name.size()));
  }
  Listed listed;
  TensorView& view = listed.view;
  view.name = name;
  view.dimensions = reader.number<std::uint32_t>("number of dimensions");
  if (view.dimensions < 1 || view.dimensions > view.ne.size()) {
    reader.refuse(ErrorCode::format,
                  "number of dimensions: expected 1 to 4, found " + text_of(view.dimensions));
  }
  for (std::size_t i = 0; i < view.dimensions; ++i) {
    view.ne[i] = reader.number<std::uint64_t>("dimension");
    if (view.ne[i] == 0) {
      reader.refuse(ErrorCode::format,
                    "dimension " + text_of(i) + ": expected at least 1, found 0");
    }
  }
  view.type = static_cast<TensorType>(reader.number<std::uint32_t>("tensor type"));
  listed.offset = reader.number<std::uint64_t>("offset");
  listed.size_bytes = tensor_bytes(reader, view);
  return listed;
}

/// Gives a listed tensor its bytes. `data` is the data section, which starts at byte `data_start`
/// of the file.
void place(ByteReader& reader, Listed& listed, std::span<const std::byte> data,
           std::uint64_t data_start, std::uint64_t alignment) {
  reader.set_item("tensor", listed.view.name);
  if (listed.offset % alignment != 0) {
    reader.refuse(ErrorCode::format, "offset: expected a multiple of the alignment " +
                                         text_of(alignment) + ", found " + text_of(listed.offset));
  }
  if (listed.offset > data.size() || listed.size_bytes > data.size() - listed.offset) {
    reader.refuse(ErrorCode::format, "data: expected " + text_of(listed.size_bytes) +
                                         " bytes at offset " + text_of(listed.offset) +
                                         ", found a data section of " + text_of(data.size()) +
                                         " bytes");
  }
  // A small alignment is legal, but who reads plain numbers in place may rely on their natural one.
  const TensorTypeTraits& traits = *tensor_type_traits(listed.view.type);
  const std::uint64_t natural = traits.block_elements == 1 ? traits.block_bytes : 2;
  if ((data_start + listed.offset) % natural != 0) {
    reader.refuse(ErrorCode::format, std::string("position: expected a multiple of ") +
                                         text_of(natural) + " for " + traits.name +
                                         ", found byte " + text_of(data_start + listed.offset));
  }
  listed.view.bytes = data.subspan(static_cast<std::size_t>(listed.offset),
                                   static_cast<std::size_t>(listed.size_bytes));
}

void refuse_overlap(ByteReader& reader, const std::vector<Listed>& tensors) {
  std::vector<const Listed*> by_offset;
  by_offset.reserve(tensors.size());
  for (const Listed& tensor : tensors) by_offset.push_back(&tensor);
  std::sort(by_offset.begin(), by_offset.end(),
            [](const Listed* a, const Listed* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < by_offset.size(); ++i) {
    const Listed& before = *by_offset[i - 1];
    const Listed& after = *by_offset[i];
    if (after.offset - before.offset >= before.size_bytes) continue;
    reader.set_item("tensor", after.view.name);
    reader.refuse(ErrorCode::format, "offset: expected at least " +
                                         text_of(before.offset + before.size_bytes) +
                                         ", the end of tensor " + quoted(before.view.name) +
                                         ", found " + text_of(after.offset));
  }
}

}  // namespace

GgufPart parse_gguf(std::span<const std::byte> bytes, const std::string& file) {
  ByteReader reader(bytes, file);
  const Header header = read_header(reader);
  GgufPart part{Metadata(file), {}};
  for (std::uint64_t i = 0; i < header.key_values; ++i) read_key_value(reader, part.metadata);
  const std::uint64_t alignment = read_alignment(reader, part.metadata);
  std::vector<Listed> tensors;
  tensors.reserve(static_cast<std::size_t>(header.tensors));
  for (std::uint64_t i = 0; i < header.tensors; ++i) tensors.push_back(read_tensor_info(reader));

  // A vocabulary without tensors may end before the padding that would precede them.
  const std::uint64_t data_start =
      std::min<std::uint64_t>(round_up(reader.position(), alignment), bytes.size());
  const std::span<const std::byte> data = bytes.subspan(static_cast<std::size_t>(data_start));
  for (Listed& tensor : tensors) place(reader, tensor, data, data_start, alignment);
  refuse_overlap(reader, tensors);
  for (Listed& tensor : tensors) {
    reader.set_item("tensor", tensor.view.name);
    if (!part.tensors.add(tensor.view))
      reader.refuse(ErrorCode::format, "expected a unique name, found it twice");
  }
  return part;
}

}  // namespace gemma4
