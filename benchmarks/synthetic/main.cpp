// gemma4-synthetic: checkpoints of real shapes with random weights, for measuring speed without a
// download.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "file_writer.hpp"
#include "folder_writer.hpp"
#include "io/gguf.hpp"
#include "model_plan.hpp"
#include "vocabulary.hpp"
#include "weights/hf_folder.hpp"

namespace {

using namespace gemma4;
using namespace gemma4::synthetic;

constexpr const char* kUsage =
    "usage: gemma4-synthetic [options] OUTPUT\n"
    "\n"
    "Writes a Gemma 4 checkpoint with random weights: Q4_0 matrices, Q6_K embedding, F32 rest.\n"
    "The same options give the same bytes.\n"
    "\n"
    "  --preset NAME    12b (default) or tiny\n"
    "  --layers N       only N layers, a multiple of 6\n"
    "  --folder KIND    write a Hugging Face folder: w4a16 or bf16 (needs the GGUF's space too)\n"
    "  --assistant      write the preset's drafter instead of the model\n"
    "  --vocab FILE     take the vocabulary from a GGUF file (default: a made-up one of 262,144 "
    "tokens)\n"
    "  --seed N         another set of random weights (default 1)\n"
    "  --threads N      default: one for each processor\n"
    "  --help           this text\n"
    "\n"
    "exit code: 0 written, 1 failed, 2 wrong usage\n";

struct Options {
  std::string preset = "12b";
  std::optional<std::uint64_t> layers;
  bool assistant = false;
  std::optional<FolderKind> folder;
  std::string vocabulary;
  std::uint64_t seed = 1;
  std::uint64_t threads = 0;
  std::string output;
  bool help = false;
};

std::optional<std::uint64_t> number(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

/// Nothing, with a line on stderr, when the arguments are wrong.
std::optional<Options> parse(int argc, char** argv) {
  Options options;
  const auto wrong = [](const std::string& what) {
    std::fprintf(stderr, "gemma4-synthetic: %s (see --help)\n", what.c_str());
    return std::nullopt;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help") {
      options.help = true;
      return options;
    }
    if (argument == "--assistant") {
      options.assistant = true;
      continue;
    }
    if (!argument.starts_with("--")) {
      if (!options.output.empty()) return wrong("more than one output");
      options.output = argument;
      continue;
    }
    const std::string_view value = i + 1 < argc ? argv[++i] : "";
    const std::optional<std::uint64_t> count = number(value);
    if (argument == "--preset") {
      options.preset = value;
    } else if (argument == "--folder" && (value == "w4a16" || value == "bf16")) {
      options.folder = value == "bf16" ? FolderKind::bf16 : FolderKind::w4a16;
    } else if (argument == "--vocab") {
      options.vocabulary = value;
    } else if (argument == "--layers" && count && *count > 0 && *count % 6 == 0 && *count <= 600) {
      options.layers = *count;
    } else if (argument == "--seed" && count) {
      options.seed = *count;
    } else if (argument == "--threads" && count && *count >= 1 && *count <= 1024) {
      options.threads = *count;
    } else {
      return wrong("cannot use " + std::string(argument) + " " + std::string(value));
    }
  }
  if (options.output.empty()) return wrong("no output file");
  if (!preset(options.preset)) return wrong("unknown preset " + options.preset);
  return options;
}

void write(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  ModelShape shape = *preset(options.preset);
  shape.layers = options.layers.value_or(shape.layers);
  KeyWriter vocabulary_keys;
  const std::uint64_t vocabulary = options.vocabulary.empty()
                                       ? make_vocabulary(vocabulary_keys)
                                       : copy_vocabulary(options.vocabulary, vocabulary_keys);
  KeyWriter keys;
  const std::vector<PlannedTensor> tensors = options.assistant
                                                 ? plan_assistant(shape, vocabulary, keys)
                                                 : plan_target(shape, vocabulary, keys);
  keys.append(vocabulary_keys);
  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  const std::string gguf = options.folder ? options.output + ".gguf.part" : options.output;
  write_file(gguf, keys, tensors, options.seed,
             options.threads != 0 ? static_cast<unsigned>(options.threads) : processors);
  if (options.folder) {
    write_folder(open_gguf(gguf), options.output, *options.folder);
    std::filesystem::remove(gguf);
  }
  const Checkpoint file = open_checkpoint(options.output);  // what it refuses is no success
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%s: %zu tensors, %llu bytes, %.1f s\n", options.output.c_str(),
              file.tensors.all().size(), static_cast<unsigned long long>(file.file_bytes), seconds);
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Options> options = parse(argc, argv);
  if (!options) return 2;
  if (options->help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  try {
    write(*options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gemma4-synthetic: %s\n", error.what());
    return 1;
  }
  return 0;
}
