// Time, memory, and the middle of several measurements.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "gemma4/statistics.hpp"

namespace cli {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct Spread {
  double median = 0, min = 0, max = 0;
};

/// Of at least one measurement.
Spread spread(std::vector<double> measurements);

/// The most memory this process ever had resident.
std::uint64_t peak_rss_bytes();

/// "12 tokens at 345.6 tokens/s, prompt of 22 at 1234.5 tokens/s", and what drafts did.
std::string describe(const gemma4::Statistics& statistics);

}  // namespace cli
