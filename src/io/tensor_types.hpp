// The element types of tensors, as GGUF numbers them.
#pragma once

#include <cstdint>

namespace gemma4 {

enum class TensorType : std::uint32_t {
  f32 = 0, f16 = 1, q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8, q2_k = 10, q3_k = 11, q4_k = 12, q5_k = 13,
  q6_k = 14, i8 = 24, i16 = 25, i32 = 26, i64 = 27, f64 = 28, bf16 = 30,
};

/// The layout of a type: `block_elements` consecutive elements of a row take `block_bytes` bytes.
struct TensorTypeTraits {
  const char* name;  ///< "Q4_0", ...
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
};

/// The traits of a type, or nullptr for a number this library does not know.
const TensorTypeTraits* tensor_type_traits(TensorType type) noexcept;

/// "Q4_0", or "type 39" for a number this library does not know (a static string per type, "unknown type" otherwise).
const char* tensor_type_name(TensorType type) noexcept;

}  // namespace gemma4
