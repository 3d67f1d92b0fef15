#include "weights/matrix_rows.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/half.hpp"
#include "weights/block_formats.hpp"
#include "weights/quantize.hpp"

namespace gemma4 {
namespace {

constexpr std::uint32_t kBlockColumns = 32;

/// Enough for the longest block.
constexpr std::uint64_t kRun = 256;

/// One row of a tensor of type I4. Element k is in byte k / 2, the lower four bits first; codes
/// have 8 added.
class CodedRow {
 public:
  CodedRow(const TensorView& tensor, std::uint64_t row)
      : groups_(tensor.groups),
        codes_(reinterpret_cast<const std::uint8_t*>(tensor.bytes.data()) +
               row * tensor.row_bytes()),
        count_(tensor.ne[0] / groups_.columns),
        row_(row),
        scale_bytes_(tensor_type_traits(groups_.type)->block_bytes) {}

  int code(std::uint64_t column) const {
    return codes_[column / 2] >> (column % 2 == 0 ? 0 : 4) & 15;
  }

  const std::byte* scale(std::uint64_t column) const {
    return groups_.bytes.data() + (row_ * count_ + column / groups_.columns) * scale_bytes_;
  }
  std::uint32_t scale_bytes() const { return scale_bytes_; }

  int zero(std::uint64_t column) const {
    if (groups_.zeros.empty()) return 8;
    std::uint32_t word;
    const std::uint64_t at = row_ / 8 * count_ + column / groups_.columns;
    std::memcpy(&word, groups_.zeros.data() + at * sizeof word, sizeof word);
    return static_cast<int>(word >> (4 * (row_ % 8)) & 15);
  }

  float value(std::uint64_t column) const {
    float scale_value;
    dequantize_row(groups_.type, {scale(column), scale_bytes_}, {&scale_value, 1});
    return static_cast<float>(code(column) - zero(column)) * scale_value;
  }

 private:
  const GroupScales& groups_;
  const std::uint8_t* codes_;
  std::uint64_t count_, row_;
  std::uint32_t scale_bytes_;
};

/// As blocks { scale; u8 qs[16] } of 32 columns: the scale's bytes and the codes are moved, no
/// more. In the file a byte has columns 2i and 2i + 1, in a block j and j + 16.
void copy_blocks(const TensorView& tensor, std::uint64_t row, std::byte* out) {
  const CodedRow coded(tensor, row);
  const std::byte* in = tensor.bytes.data() + row * tensor.row_bytes();
  for (std::uint64_t column = 0; column < tensor.ne[0]; column += kBlockColumns) {
    std::memcpy(out, coded.scale(column), coded.scale_bytes());
    out += coded.scale_bytes();
    for (std::uint64_t i = 0; i < 8; ++i) {
      const unsigned first = static_cast<unsigned>(in[i]),
                     second = static_cast<unsigned>(in[i + 8]);
      out[2 * i] = static_cast<std::byte>((first & 15u) | (second & 15u) << 4);
      out[2 * i + 1] = static_cast<std::byte>(first >> 4 | (second & 0xf0u));
    }
    in += kBlockColumns / 2;
    out += 16;
  }
}

void copy_values(const TensorView& tensor, std::uint64_t row, std::byte* out) {
  const CodedRow coded(tensor, row);
  for (std::uint64_t column = 0; column < tensor.ne[0]; ++column) {
    const float value = coded.value(column);
    std::memcpy(out + column * sizeof value, &value, sizeof value);
  }
}

void quantize(TensorType from, const std::byte* in, std::uint64_t columns, TensorType type,
              std::byte* out) {
  float values[kRun];
  for (std::uint64_t at = 0; at < columns; at += kRun) {
    const std::uint64_t count = std::min(kRun, columns - at);
    const std::span<float> run(values, static_cast<std::size_t>(count));
    const std::uint64_t bytes = row_bytes_of(from, count);
    dequantize_row(from, {in, static_cast<std::size_t>(bytes)}, run);
    quantize_row(type, run, out);
    in += bytes;
    out += row_bytes_of(type, count);
  }
}

}  // namespace

TensorType row_type(const TensorView& tensor) noexcept {
  if (tensor.type != TensorType::i4) return tensor.type;
  if (!tensor.groups.zeros.empty()) return TensorType::f32;
  if (tensor.groups.type == TensorType::f16) return TensorType::q4_0;
  return tensor.groups.type == TensorType::bf16 ? TensorType::i4_bf16 : TensorType::i4_f32;
}

std::uint64_t row_bytes_of(TensorType type, std::uint64_t columns) noexcept {
  const TensorTypeTraits* traits = tensor_type_traits(type);
  return traits != nullptr ? columns / traits->block_elements * traits->block_bytes : 0;
}

void copy_row(const TensorView& tensor, std::uint64_t row, TensorType type,
              std::byte* out) noexcept {
  const std::byte* in = tensor.bytes.data() + row * tensor.row_bytes();
  if (tensor.type == TensorType::i4) {
    type == TensorType::f32 ? copy_values(tensor, row, out) : copy_blocks(tensor, row, out);
  } else if (tensor.type == type) {
    std::memcpy(out, in, static_cast<std::size_t>(tensor.row_bytes()));
  } else {
    quantize(tensor.type, in, tensor.ne[0], type, out);
  }
}

}  // namespace gemma4
