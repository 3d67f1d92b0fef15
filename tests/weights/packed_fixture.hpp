// What the tests of packed files share: a small model on disk, packed on request, and its logits.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gemma4/gemma4.hpp"
#include "io/io_test_helpers.hpp"
#include "io/temporary_folder.hpp"
#include "weights/synthetic_model.hpp"

namespace gemma4::test {

struct PackedFixture {
  TemporaryFolder folder;
  std::string source, packed;

  explicit PackedFixture(const SyntheticModel& model = {})
      : source(folder.write("model.gguf", model.bytes())), packed(folder.path("model.g4pack")) {}

  PackedFile pack_it() const { return pack(source, {}, {.threads = 2}); }
  std::string bytes() const { return read_file(packed); }

  /// The folder's files: none must be left behind by work that failed.
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder.path("")), {}));
  }
};

/// Logits after each of some tokens.
inline std::vector<float> logits_of(const Model& model) {
  SessionOptions options;
  options.context_tokens = 64;
  Session session(model, options);
  const std::vector<Token> tokens = {2, 280, 17, 30, 301, 5, 44, 270, 99, 12, 310, 7};
  std::vector<float> all;
  session.prefill_tokens(tokens, [&](std::uint32_t, std::span<const float> logits) {
    all.insert(all.end(), logits.begin(), logits.end());
  });
  return all;
}

}  // namespace gemma4::test
