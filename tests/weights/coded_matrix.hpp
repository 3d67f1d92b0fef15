// A random matrix of 4-bit codes with scales of their own, and the weights that the format's
// description gives it.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "base/half.hpp"
#include "io/safetensors_writer.hpp"
#include "io/tensor_directory.hpp"
#include "kernels/random.hpp"

namespace gemma4::test {

/// A random matrix as compressed-tensors stores one.
struct CodedMatrix {
  /// Of scales: halves hold the second less exactly than BF16 and F32, and the third not at all.
  static constexpr float kMagnitudes[] = {1, 0x1p-16f, 0x1p-40f, 1};

  std::uint64_t rows, columns, group;
  TensorType type;
  std::vector<std::uint32_t> codes, zeros;
  std::string scales;

  CodedMatrix(std::uint64_t rows_, std::uint64_t columns_, std::uint64_t group_, TensorType type_,
              bool symmetric)
      : rows(rows_), columns(columns_), group(group_), type(type_) {
    Random random(rows * 31 + columns + group);
    for (std::uint64_t i = 0; i < rows * columns / 8; ++i)
      codes.push_back(static_cast<std::uint32_t>(random.bits()));
    for (std::uint64_t i = 0; i < rows * columns / group; ++i)
      append_scale(random.unit() * kMagnitudes[i % 4]);
    for (std::uint64_t i = 0; !symmetric && i < (rows + 7) / 8 * (columns / group); ++i)
      zeros.push_back(static_cast<std::uint32_t>(random.bits()));
  }

  void append_scale(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, 4);
    if (type == TensorType::f32) scales += bytes_of<float>({value});
    if (type == TensorType::f16) scales += bytes_of<std::uint16_t>({float_to_half(value)});
    if (type == TensorType::bf16)
      scales += bytes_of<std::uint16_t>({static_cast<std::uint16_t>(bits >> 16)});
  }

  /// Adds the tensors of module `name`.
  void write(SafetensorsWriter& writer, const std::string& name) const {
    writer.add(name + ".weight_packed", "I32", {rows, columns / 8}, bytes_of(codes));
    writer.add(name + ".weight_scale", tensor_type_name(type), {rows, columns / group}, scales);
    writer.add(name + ".weight_shape", "I64", {2}, bytes_of<std::uint64_t>({rows, columns}));
    if (zeros.empty()) return;
    writer.add(name + ".weight_zero_point", "I32", {(rows + 7) / 8, columns / group},
               bytes_of(zeros));
  }

  TensorView view() const {
    TensorView tensor;
    tensor.name = "w";
    tensor.type = TensorType::i4;
    tensor.dimensions = 2;
    tensor.ne = {columns, rows, 1, 1};
    tensor.bytes = std::as_bytes(std::span(codes));
    tensor.groups = {type, group, std::as_bytes(std::span(scales)),
                     std::as_bytes(std::span(zeros))};
    return tensor;
  }

  float scale(std::uint64_t row, std::uint64_t column) const {
    const std::uint64_t at = row * (columns / group) + column / group;
    const char* p = scales.data() + at * (type == TensorType::f32 ? 4 : 2);
    std::uint16_t half;
    std::memcpy(&half, p, 2);
    float value;
    if (type == TensorType::f32) std::memcpy(&value, p, 4);
    return type == TensorType::f32   ? value
           : type == TensorType::f16 ? half_to_float(half)
                                     : bf16_to_float(half);
  }

  /// The formula of the format's description.
  float weight(std::uint64_t o, std::uint64_t k) const {
    const int u = static_cast<int>(codes[o * (columns / 8) + (k >> 3)] >> (4 * (k & 7)) & 15);
    int z = 8;
    if (!zeros.empty())
      z = static_cast<int>(zeros[o / 8 * (columns / group) + k / group] >> (4 * (o % 8)) & 15);
    return static_cast<float>(u - z) * scale(o, k);
  }
};

}  // namespace gemma4::test
