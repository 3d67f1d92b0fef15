// The bytes of one safetensors file to its tensors. Nothing in the bytes is believed before it is
// checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/tensor_types.hpp"

namespace gemma4 {

/// An element type of the format.
struct SafetensorsType {
  const char* name;                ///< as in the file: "BF16"
  std::uint32_t bits;              ///< of one element
  std::optional<TensorType> type;  ///< the same among GGUF's types; nothing: it has none
};

/// One tensor, as the file has it. Nothing is aligned.
struct SafetensorsTensor {
  std::string name;
  const SafetensorsType* type;       ///< static
  std::vector<std::uint64_t> shape;  ///< the contiguous dimension last; empty: a single number
  std::span<const std::byte> bytes;  ///< exactly the tensor's bytes
};

/// Parses a whole file; views point into `bytes`. `file` is the name for error messages. Throws
/// Error(format | unsupported | out_of_memory). The memory it takes is proportional to the header,
/// which lies in the file, whatever the numbers in it claim.
std::vector<SafetensorsTensor> parse_safetensors(std::span<const std::byte> bytes,
                                                 const std::string& file);

}  // namespace gemma4
