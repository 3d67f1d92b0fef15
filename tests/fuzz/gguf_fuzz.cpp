// Any bytes at all, read as a GGUF file and planned as a model's or an assistant's weights: an
// Error with a message, or a file whose every view can be read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

#include "gemma4/error.hpp"
#include "io/io_test_helpers.hpp"
#include "weights/packed_header.hpp"
#include "weights/weights.hpp"

namespace {

using namespace gemma4;

/// Which kind of file it is decides what it is checked against. Packed files need a mapping.
void plan(const Checkpoint& file) {
  if (is_packed(file.metadata)) return;
  if (is_assistant(file.metadata.text("general.architecture").value_or(""))) {
    AssistantConfig config = read_assistant_config(file.metadata);
    const WeightPlan planned(file, config);
  } else {
    ModelConfig config = read_model_config(file.metadata);
    const WeightPlan planned(file, config);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    GgufPart part = parse_gguf({reinterpret_cast<const std::byte*>(data), size}, "fuzz.gguf");
    const volatile std::uint64_t sum = test::touch_everything(part);  // volatile keeps the reads
    (void)sum;
    Checkpoint file;
    file.metadata = std::move(part.metadata);
    file.tensors = std::move(part.tensors);
    plan(file);
  } catch (const Error& error) {
    const bool expected =
        error.code() == ErrorCode::format || error.code() == ErrorCode::unsupported;
    if (!expected || std::strstr(error.what(), "fuzz.gguf: ") == nullptr) std::abort();
  }
  return 0;
}
