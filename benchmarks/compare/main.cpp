// gemma4-compare: this library beside llama.cpp on the same file, in turns.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/cpu.hpp"
#include "base/error.hpp"
#include "table.hpp"

namespace {

using namespace gemma4;
using namespace gemma4::bench;

constexpr const char* kUsage =
    "usage: gemma4-compare [options] MODEL.gguf\n"
    "\n"
    "Measures this library, and llama.cpp where it was built for it, in turns. All times are of\n"
    "evaluation alone: no text, no sampling.\n"
    "\n"
    "  --threads N          default: the cores this process may use\n"
    "  --batch 1,2,...      tokens evaluated at once, with logits for all; default 1,2,3,4,8\n"
    "  --depth N,...        tokens in the context before; default 64. Beyond 128 the rows of the\n"
    "                       KV cache are repeated instead of evaluated. The model's limit means: "
    "as\n"
    "                       deep as leaves room for what is measured\n"
    "  --prefill N          length of the prompt, 0 for none; default 512\n"
    "  --prefill-rounds N   default 2\n"
    "  --rounds N           default 7, after one that warms up\n"
    "  --loads N            how often the model is loaded; default 1\n"
    "  --kv NAME            how this library keeps KV rows: f16, f32, q8_0; default f16\n"
    "  --activations NAME   auto, int8 or int16, of this library; default: auto, what the model "
    "is\n"
    "                       made for\n"
    "  --isa NAME           scalar, avx2, avxvnni, avx512; default: the best\n"
    "  --llama-cpu NAME     llama.cpp's library for a processor (haswell, zen4, ...); default: "
    "its choice\n"
    "  --alone              this library only\n"
    "  --json FILE          write all measurements there too\n";

std::uint64_t number(const std::string& text) {
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value > (1u << 20))
    fail(ErrorCode::invalid_argument, "expected a number, found \"" + text + "\"");
  return value;
}

std::vector<std::uint64_t> list(const std::string& text) {
  std::vector<std::uint64_t> values;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    values.push_back(number(text.substr(at, comma - at)));
    at = comma + 1;
  }
  return values;
}

struct Arguments {
  CompareOptions options;
  std::string json;
  bool help = false, alone = false;
};

bool set(Arguments& a, const std::string& word, const std::string& value) {
  CompareOptions& o = a.options;
  if (word == "--threads") {
    o.threads = static_cast<int>(number(value));
  } else if (word == "--batch") {
    o.batches = list(value);
  } else if (word == "--depth") {
    o.depths = list(value);
  } else if (word == "--prefill") {
    o.prefill = number(value);
  } else if (word == "--prefill-rounds") {
    o.prefill_rounds = number(value);
  } else if (word == "--rounds") {
    o.rounds = number(value);
  } else if (word == "--loads") {
    o.loads = number(value);
  } else if (word == "--kv") {
    o.kv = value;
  } else if (word == "--activations") {
    o.activations = value;
  } else if (word == "--isa") {
    o.isa = value;
  } else if (word == "--llama-cpu") {
    o.llama_cpu = value;
  } else if (word == "--json") {
    a.json = value;
  } else {
    return false;
  }
  return true;
}

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--help") {
      a.help = true;
    } else if (word == "--alone") {
      a.alone = true;
    } else if (!word.starts_with("--") && a.options.model.empty()) {
      a.options.model = word;
    } else if (i + 1 >= argc || !set(a, word, argv[i + 1])) {
      fail(ErrorCode::invalid_argument, "cannot use " + word + " (see --help)");
    } else {
      ++i;
    }
  }
  if (a.options.threads < 1) a.options.threads = available_cores();
  if (a.options.rounds < 1 || a.options.loads < 1 || a.options.prefill_rounds < 1)
    fail(ErrorCode::invalid_argument, "rounds and loads begin at 1");
  std::erase_if(a.options.batches, [](std::uint64_t n) { return n <= 1; });
  a.options.batches.insert(a.options.batches.begin(), 1);  // the others are multiples of it
  return a;
}

int run(int argc, char** argv) {
  Arguments a = parse(argc, argv);
  if (a.help || a.options.model.empty()) {
    std::fputs(kUsage, a.help ? stdout : stderr);
    return a.help ? 0 : 2;
  }
  const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  a.options.own = folder / "gemma4-compare-own";
  const auto llama = folder / "gemma4-compare-llama";
  if (!a.alone && std::filesystem::exists(llama)) a.options.llama = llama;
  if (!a.alone && a.options.llama.empty())
    std::fputs("built without llama.cpp (GEMMA4_LLAMA_CPP): this library alone\n", stderr);
  const Results results = compare(a.options);
  std::fputs(as_text(a.options, results).c_str(), stdout);
  if (!a.json.empty()) {
    std::ofstream file(a.json);
    file << as_json(a.options, results);
    if (!file.flush()) fail(ErrorCode::io, a.json + ": cannot be written");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gemma4-compare: %s\n", error.what());
    return 1;
  }
}
