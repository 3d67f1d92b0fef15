// Any bytes at all, read as a GGUF file: an Error with a message, or a file whose every view can be
// read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "gemma4/error.hpp"
#include "io/io_test_helpers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma4;
  try {
    const GgufPart part = parse_gguf({reinterpret_cast<const std::byte*>(data), size}, "fuzz.gguf");
    const volatile std::uint64_t sum = test::touch_everything(part);  // volatile keeps the reads
    (void)sum;
  } catch (const Error& error) {
    const bool expected =
        error.code() == ErrorCode::format || error.code() == ErrorCode::unsupported;
    if (!expected || std::strstr(error.what(), "fuzz.gguf: ") == nullptr) std::abort();
  }
  return 0;
}
