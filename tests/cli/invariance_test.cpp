// Speed changes, output never: the same tokens and the same bits of logits however they are
// computed.
#include <doctest/doctest.h>
#include <simdjson.h>

#include "cli/process.hpp"

using cli_test::Outcome;
using cli_test::run;
using cli_test::Words;

namespace {

const std::vector<Words> kVariants = {
    {"--threads", "1"},       {"--threads", "2"},      {"--threads", "3"}, {"--isa", "scalar"},
    {"--isa", "avx2"},        {"--isa", "avx512"},     {"--isa", "neon"},  {"--isa", "avxvnni"},
    {"--prefill-chunk", "1"}, {"--prefill-chunk", "7"}};

// Outputs of all variants; one that this processor lacks is left out.
std::vector<std::string> outputs(const Words& base) {
  std::vector<std::string> results;
  for (const Words& variant : kVariants) {
    Words words = base;
    words.insert(words.end(), variant.begin(), variant.end());
    const Outcome outcome = run(words);
    INFO(variant[0] << " " << variant[1] << ": " << outcome.err);
    if (outcome.exit_code != 0 && variant[0] == "--isa" && variant[1] != "scalar") {
      MESSAGE("skipped: this processor has no " << variant[1]);
      continue;
    }
    REQUIRE(outcome.exit_code == 0);
    results.push_back(outcome.out);
  }
  return results;
}

}  // namespace

TEST_CASE("an answer does not depend on threads, kernels or chunks") {
  for (const Words& sampling : {Words{"--temperature", "0"},
                                Words{"--temperature", "1.2", "--top-k", "40", "--seed", "5"}}) {
    Words words = {"generate",     "--max-tokens", "100",
                   "--ignore-eos", "--prompt",     "A story\n\nOne sunny Monday, Anna went to the"};
    words.insert(words.end(), sampling.begin(), sampling.end());
    const std::vector<std::string> results = outputs(words);
    for (const std::string& result : results) CHECK(result == results[0]);
  }
}

TEST_CASE("logits do not depend on threads, kernels or chunks, to the bit") {
  std::string tokens = "2";
  for (int i = 0; i < 150; ++i) tokens += "," + std::to_string(300 + i * 7 % 1100);
  const std::vector<std::string> results =
      outputs({"logits", "--json", "--top", "3", "--tokens", tokens, "--positions",
               "0,1,62,63,64,65,66,100,150"});
  for (const std::string& result : results) CHECK(result == results[0]);
}
