#include "io/gguf_part.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <vector>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "io/byte_reader.hpp"

namespace gemma4 {
namespace {

constexpr std::uint32_t kOldestVersion = 2;  // 2 has the layout of 3; 1 counted in 32 bits
constexpr std::uint32_t kNewestVersion = 3;
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kTileAlignment = 64;       // tiles are read in place, by whole cache lines
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
    reader.mismatch("not a GGUF file", "the magic \"GGUF\"",
                    in_quotes({reinterpret_cast<const char*>(magic.data()), magic.size()}));
  }
  const std::uint32_t version = reader.number<std::uint32_t>("version");
  if ((version & 0xffffu) == 0 && version != 0) {
    reader.refuse(ErrorCode::unsupported,
                  "GGUF version: expected 2 or 3, found a big-endian file's " + text_of(version));
  }
  if (version < kOldestVersion || version > kNewestVersion) {
    reader.refuse(ErrorCode::unsupported,
                  "GGUF version: expected 2 or 3, found " + text_of(version));
  }
  Header header;
  header.tensors = reader.number<std::uint64_t>("number of tensors");
  header.key_values = reader.number<std::uint64_t>("number of keys");
  // Signed in ggml; a negative count is an enormous one here.
  const std::uint64_t most_keys = reader.remaining_bytes() / kMinKeyValueBytes;
  const std::uint64_t most_tensors = reader.remaining_bytes() / kMinTensorInfoBytes;
  const char* size = " in a file of this size";
  if (header.key_values > most_keys) {
    reader.mismatch("number of keys", "at most " + text_of(most_keys) + size, header.key_values);
  }
  if (header.tensors > most_tensors) {
    reader.mismatch("number of tensors", "at most " + text_of(most_tensors) + size, header.tensors);
  }
  return header;
}

bool checked_bool(ByteReader& reader, std::uint8_t byte) {
  if (byte > 1) reader.mismatch("boolean", "0 or 1", byte);
  return byte == 1;
}

[[noreturn]] void refuse_value_type(ByteReader& reader, std::uint32_t type) {
  reader.mismatch("value type", "0 to 12", type);
}

/// Refuses a count that the rest of the file cannot hold, before anything is allocated for it.
void check_count(ByteReader& reader, std::uint64_t count, std::uint64_t element_bytes) {
  const std::uint64_t most = reader.remaining_bytes() / element_bytes;
  if (count > most) {
    reader.mismatch("array length",
                    "at most " + text_of(most) + " elements before the end of the file", count);
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
    out[i] = Wide{value};
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
    reader.mismatch("key length", "1 to " + text_of(kMaxKeyBytes) + " bytes", key.size());
  }
  if (!metadata.add(key, read_value(reader))) reader.mismatch("key", "a unique one", "it twice");
}

std::uint64_t read_alignment(ByteReader& reader, const Metadata& metadata) {
  const char* key = "general.alignment";
  const std::uint64_t alignment = metadata.unsigned_integer(key).value_or(kDefaultAlignment);
  if (!std::has_single_bit(alignment) || alignment > (std::uint64_t{1} << 31)) {
    reader.set_item("key", key);
    reader.mismatch("alignment", "a power of two of at most 2^31", alignment);
  }
  return alignment;
}

/// Blocks that cover `count`; any count is safe.
std::uint64_t blocks(std::uint64_t count, std::uint64_t block) {
  return count / block + (count % block != 0 ? 1 : 0);
}

/// Bytes of a tensor; refuses shapes that its type cannot have and sizes that 64 bits cannot hold.
std::uint64_t tensor_bytes(ByteReader& reader, const TensorView& view) {
  const TensorTypeTraits* traits = tensor_type_traits(view.type);
  if (traits == nullptr) {
    reader.refuse(ErrorCode::unsupported, "tensor type: expected a known one, found type " +
                                              text_of(static_cast<std::uint32_t>(view.type)));
  }
  const auto& ne = view.ne;
  if (traits->block_rows == 1 && ne[0] % traits->block_elements != 0) {
    reader.mismatch("row length",
                    "a multiple of " + text_of(traits->block_elements) + " for " + traits->name,
                    ne[0]);
  }
  std::optional<std::uint64_t> elements = ne[0];
  std::optional<std::uint64_t> bytes =
      checked_mul(blocks(ne[0], traits->block_elements), traits->block_bytes);
  for (std::size_t i = 1; i < ne.size(); ++i) {
    if (elements) elements = checked_mul(*elements, ne[i]);
    if (bytes) bytes = checked_mul(*bytes, i == 1 ? blocks(ne[1], traits->block_rows) : ne[i]);
  }
  if (!elements || !bytes) {
    reader.mismatch(
        "shape", "a size below 2^64",
        text_of(ne[0]) + " x " + text_of(ne[1]) + " x " + text_of(ne[2]) + " x " + text_of(ne[3]));
  }
  return *bytes;
}

Listed read_tensor_info(ByteReader& reader) {
  const std::string_view name = reader.string("tensor name");
  reader.set_item("tensor", name);
  if (name.empty() || name.size() > kMaxTensorNameBytes) {
    reader.mismatch("name length", "1 to " + text_of(kMaxTensorNameBytes) + " bytes", name.size());
  }
  Listed listed;
  TensorView& view = listed.view;
  view.name = name;
  view.dimensions = reader.number<std::uint32_t>("number of dimensions");
  if (view.dimensions < 1 || view.dimensions > view.ne.size()) {
    reader.mismatch("number of dimensions", "1 to 4", view.dimensions);
  }
  for (std::size_t i = 0; i < view.dimensions; ++i) {
    view.ne[i] = reader.number<std::uint64_t>("dimension");
    if (view.ne[i] == 0) reader.mismatch("dimension " + text_of(i), "at least 1", view.ne[i]);
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
    reader.mismatch("offset", "a multiple of the alignment " + text_of(alignment), listed.offset);
  }
  if (listed.offset > data.size() || listed.size_bytes > data.size() - listed.offset) {
    reader.mismatch("data",
                    text_of(listed.size_bytes) + " bytes at offset " + text_of(listed.offset),
                    "a data section of " + text_of(data.size()) + " bytes");
  }
  // A small alignment is legal, but who reads plain numbers in place may rely on their natural one.
  const TensorTypeTraits& traits = *tensor_type_traits(listed.view.type);
  const std::uint64_t natural = traits.block_rows > 1        ? kTileAlignment
                                : traits.block_elements == 1 ? traits.block_bytes
                                                             : 2;
  if ((data_start + listed.offset) % natural != 0) {
    reader.mismatch("position", "a multiple of " + text_of(natural) + " for " + traits.name,
                    data_start + listed.offset);
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
    const std::uint64_t end = before.offset + before.size_bytes;
    if (after.offset >= end) continue;
    reader.set_item("tensor", after.view.name);
    reader.mismatch(
        "offset", "at least " + text_of(end) + ", the end of tensor " + in_quotes(before.view.name),
        after.offset);
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
  for (const Listed& tensor : tensors) {
    reader.set_item("tensor", tensor.view.name);
    if (!part.tensors.add(tensor.view)) reader.mismatch("name", "a unique one", "it twice");
  }
  return part;
}

}  // namespace gemma4
