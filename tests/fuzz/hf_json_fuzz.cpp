// Any bytes at all, read as each of the JSON files of a folder: an Error with a message, or values
// that a model's or an assistant's configuration can be read from.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include "gemma4/error.hpp"
#include "io/json_file.hpp"
#include "weights/assistant_config.hpp"
#include "weights/hf_config.hpp"
#include "weights/hf_quantization.hpp"
#include "weights/hf_tokenizer.hpp"
#include "weights/model_config.hpp"

namespace {

using namespace gemma4;

template <typename Action>
void expect_error_or_none(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    const bool expected =
        error.code() == ErrorCode::format || error.code() == ErrorCode::unsupported;
    if (!expected || std::strstr(error.what(), "fuzz.json: ") == nullptr) std::abort();
  }
}

void read_config(const JsonTable& root) {
  Metadata metadata("fuzz.json");
  if (read_hf_config(root, metadata).assistant)
    read_assistant_config(metadata);
  else
    read_model_config(metadata);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  expect_error_or_none([&] {
    const JsonFile json({reinterpret_cast<const std::byte*>(data), size}, "fuzz.json");
    const JsonTable root = json.root();
    expect_error_or_none([&] { read_config(root); });
    expect_error_or_none([&] {
      const HfQuantization quantization(root);
      (void)quantization.scheme_of("model.language_model.layers.0.self_attn.q_proj");
    });
    expect_error_or_none([&] {
      Checkpoint out;
      add_hf_tokenizer(root, 0, out);
    });
    expect_error_or_none([&] {
      Checkpoint out;
      add_hf_generation(root, out);
      add_chat_template(hf_chat_template(root), out);
    });
  });
  return 0;
}
