// A checkpoint's tensors: where each lies and what it is. Every range is checked before it gets
// here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/tensor_types.hpp"

namespace gemma4 {

/// The scales of a tensor of type I4, inside a mapped file: one for each `columns` columns of a
/// row, row after row. A weight is (code - 8) * scale, or (code - zero point) * scale.
struct GroupScales {
  TensorType type = TensorType::bf16;  ///< BF16, F16 or F32
  std::uint64_t columns = 0;           ///< a multiple of 32 that divides the row's length
  std::span<const std::byte> bytes;
  /// 4-bit zero points: of row r and group g the bits 4 * (r % 8) on of the 32-bit word
  /// [r / 8][g]. Empty: none.
  std::span<const std::byte> zeros;
};

/// One tensor. ne[0] is the contiguous dimension (a row's length), missing dimensions are 1: a
/// linear layer that takes `in` values and gives `out` has ne = {in, out, 1, 1}. In GGUF files
/// plain numbers lie at their natural alignment, blocks at that of their 16-bit scales; in others
/// nothing is aligned.
struct TensorView {
  std::string name;
  TensorType type = TensorType::f32;
  std::uint32_t dimensions = 1;
  std::array<std::uint64_t, 4> ne{1, 1, 1, 1};
  std::span<const std::byte> bytes;  ///< exactly the tensor's bytes, inside a mapped file
  GroupScales groups = {};           ///< of type I4
  std::uint64_t elements() const { return ne[0] * ne[1] * ne[2] * ne[3]; }
  std::uint64_t row_bytes() const { return bytes.size() / (ne[1] * ne[2] * ne[3]); }
};

/// Tensors by name, in file order.
class TensorDirectory {
 public:
  /// Adds a tensor; false when the name is taken.
  bool add(TensorView tensor);
  const TensorView* find(std::string_view name) const;
  const std::vector<TensorView>& all() const { return tensors_; }

 private:
  std::vector<TensorView> tensors_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
};

}  // namespace gemma4
