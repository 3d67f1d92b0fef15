// What is measured, in which order, and what came out.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "child.hpp"
#include "machine/limits.hpp"

namespace gemma4::bench {

struct CompareOptions {
  std::string model;
  std::string own, llama;  ///< engine programs; `llama` may be empty
  std::string kv = "f16", activations = "auto";
  std::string isa, llama_cpu;  ///< empty: each engine's own choice
  int threads = 0;
  std::vector<std::uint64_t> batches = {1, 2, 3, 4, 8};  ///< the first is 1
  std::vector<std::uint64_t> depths = {64};
  std::uint64_t prefill = 512, prefill_rounds = 2, rounds = 7, loads = 1;
};

enum class What { load, prefill, decode, batch };

/// One thing measured, with the times of the engines from the same rounds.
struct Row {
  What what;
  std::uint64_t depth = 0;
  std::uint64_t tokens = 0;                  ///< prefill, batch: in one call
  std::vector<std::vector<double>> seconds;  ///< [engine][measurement]
};

struct Memory {
  double peak_bytes = 0, anonymous_bytes = 0;
};

struct Results {
  std::vector<std::string> engines;  ///< descriptions; the first is this library
  std::vector<std::string> tops;     ///< most likely token and its logit after a fixed prompt
  std::vector<Row> rows;
  std::vector<Memory> memory;
  std::vector<double> read;  ///< bytes a second, sampled in every round
  std::vector<double>
      read_weights;          ///< seconds of this library's bare pass over its weights, likewise
  double weights_bytes = 0;  ///< that a decode step reads
  double int8 = 0;           ///< multiply-adds a second of the bare loop
  std::string int8_name;
};

/// Runs everything. Progress goes to stderr.
Results compare(const CompareOptions& options);

}  // namespace gemma4::bench
