// The element types of tensors, as GGUF numbers them.
#pragma once

#include <cstdint>

namespace gemma4 {

enum class TensorType : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq2_xxs = 16,
  iq2_xs = 17,
  iq3_xxs = 18,
  iq1_s = 19,
  iq4_nl = 20,
  iq3_s = 21,
  iq2_s = 22,
  iq4_xs = 23,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  iq1_m = 29,
  bf16 = 30,
  mxfp4 = 39,
  nvfp4 = 40,
  // Tiles of 16 rows (kernels/tiles.hpp), in packed files of this library only. "g4" and a number:
  // far from all that GGUF will count to.
  q4_0x16 = 0x67340000,
  q8_0x16,
  q6_kx16,
  f32x16,
  f16x16,
  bf16x16,
  i4_bf16x16,
  i4_f32x16,
  sketchx16,
  /// Rows of 4-bit codes whose scales lie elsewhere (TensorView::groups): no blocks, no traits.
  i4 = 0x67350000,
  // Blocks as Q4_0's with another scale: what such rows become on their way into tiles.
  i4_bf16,
  i4_f32,
};

/// The layout of a type: a block is `block_elements` consecutive elements of each of `block_rows`
/// consecutive rows and takes `block_bytes` bytes. Blocks of several rows are filled up at the
/// edges of a matrix; a block of one row never is.
struct TensorTypeTraits {
  const char* name;  ///< "Q4_0", ...
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
  std::uint32_t block_rows = 1;
};

/// The traits of a type, or nullptr for a number this library does not know. A known type need not
/// be a readable one (weights/block_formats.hpp): a file may hold tensors that nobody asks for.
const TensorTypeTraits* tensor_type_traits(TensorType type) noexcept;

/// "Q4_0", ...; "unknown type" for a number this library does not know. A static string.
const char* tensor_type_name(TensorType type) noexcept;

}  // namespace gemma4
