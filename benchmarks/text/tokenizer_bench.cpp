// Speed of the tokenizer. With the real vocabulary when GEMMA4_TEST_VOCAB names its GGUF file, else
// with the tiny one.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "io/gguf.hpp"
#include "text/tokenizer.hpp"

namespace gemma4 {
namespace {

constexpr std::size_t kTextBytes = 1 << 20;

std::string vocabulary_path() {
  const char* path = std::getenv("GEMMA4_TEST_VOCAB");
  return path != nullptr ? path : GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf";
}

const Tokenizer::Impl& tokenizer() {
  static const auto impl = Tokenizer::Impl::from_metadata(open_gguf(vocabulary_path()).metadata);
  return *impl;
}

/// Random pieces of all scripts, the n-th with a probability like 1 / n, so that few words repeat
/// often and most rarely.
std::string mixed_text() {
  std::string text;
  std::uint64_t state = 1;
  const double pieces = tokenizer().vocabulary_size();
  while (text.size() < kTextBytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const double uniform = static_cast<double>(state >> 11) * 0x1p-53;
    const Token id = static_cast<Token>(std::exp(uniform * std::log(pieces)));
    if (!tokenizer().is_byte(id)) text += tokenizer().piece(id, false);
    if (state >> 60 == 0) text += '\n';
  }
  text.resize(kTextBytes);
  return text;
}

/// The project's own headers and sources, repeated up to 1 MiB if they are shorter.
std::string source_text() {
  std::string text;
  while (text.size() < kTextBytes) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(GEMMA4_SOURCE_DIR "/src")) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      text.append(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  text.resize(kTextBytes);
  return text;
}

/// Nothing in it can be cut: the queue has to merge all of it at once.
std::string one_word() {
  std::string text;
  for (std::uint64_t state = 1; text.size() < kTextBytes;) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    text += static_cast<char>('a' + (state >> 59) % 26);
  }
  return text;
}

void encode(benchmark::State& state, std::string (*make)()) {
  const std::string text = make();
  std::vector<Token> tokens;
  for (auto _ : state) {
    tokens.clear();
    tokenizer().encode(text, SpecialTokens::user_defined, tokens);
    benchmark::DoNotOptimize(tokens.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
  state.counters["bytes_per_token"] =
      static_cast<double>(text.size()) / static_cast<double>(tokens.size());
}
BENCHMARK_CAPTURE(encode, mixed, mixed_text)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, source, source_text)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, one_word, one_word)->Unit(benchmark::kMillisecond);

void decode(benchmark::State& state) {
  std::vector<Token> tokens;
  tokenizer().encode(mixed_text(), SpecialTokens::user_defined, tokens);
  for (auto _ : state) {
    std::string text;
    for (const Token token : tokens) text += tokenizer().piece(token, false);
    benchmark::DoNotOptimize(text.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kTextBytes));
}
BENCHMARK(decode)->Unit(benchmark::kMillisecond);

void load(benchmark::State& state) {
  const Checkpoint file = open_gguf(vocabulary_path());
  for (auto _ : state) {
    benchmark::DoNotOptimize(Tokenizer::Impl::from_metadata(file.metadata));
  }
}
BENCHMARK(load)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gemma4

BENCHMARK_MAIN();
