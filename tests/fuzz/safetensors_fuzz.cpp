// Any bytes at all, read as a safetensors file and taken as the tensors of a folder: an Error with
// a message, or tensors whose every row can be read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "gemma4/error.hpp"
#include "io/json_file.hpp"
#include "io/safetensors.hpp"
#include "weights/hf_tensors.hpp"
#include "weights/matrix_rows.hpp"

namespace {

using namespace gemma4;

HfQuantization quantization(bool symmetric) {
  const std::string text =
      std::string(
          R"({"quantization_config":{"quant_method":"compressed-tensors","config_groups":)"
          R"({"g":{"targets":["Linear"],"weights":{"num_bits":4,"group_size":32,"symmetric":)") +
      (symmetric ? "true" : "false") + "}}}}}";
  const JsonFile json(std::as_bytes(std::span(text)), "fuzz.safetensors");
  return HfQuantization(json.root());
}

/// Every row as it would be packed; volatile keeps the reads.
void read_rows(const Checkpoint& file) {
  volatile unsigned sum = 0;
  for (const TensorView& tensor : file.tensors.all()) {
    const TensorType type = row_type(tensor);
    std::vector<std::byte> row(row_bytes_of(type, tensor.ne[0]));
    for (std::uint64_t r = 0; r < tensor.ne[1]; ++r) {
      copy_row(tensor, r, type, row.data());
      for (const std::byte byte : row) sum = sum + static_cast<unsigned>(byte);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const HfQuantization kSymmetric = quantization(true), kZeroPoints = quantization(false);
  const std::string name = "fuzz.safetensors";
  HfConfig config;
  config.sliding = {true, false};
  config.value_from_key = true;
  config.centroids = true;
  config.tied = size % 2 == 0;
  for (const HfQuantization* scheme : {&kSymmetric, &kZeroPoints}) {
    try {
      SafetensorsFiles files;
      files.tensors = parse_safetensors({reinterpret_cast<const std::byte*>(data), size}, name);
      Checkpoint out;
      add_hf_tensors(files, name, config, *scheme, out);
      read_rows(out);
    } catch (const Error& error) {
      const bool expected =
          error.code() == ErrorCode::format || error.code() == ErrorCode::unsupported;
      if (!expected || std::strstr(error.what(), "fuzz.safetensors: ") == nullptr) std::abort();
    }
  }
  return 0;
}
