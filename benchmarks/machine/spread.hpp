// The middle of several measurements, and how far they lie apart.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace gemma4::bench {

struct Spread {
  double median = 0, min = 0, max = 0;
};

/// Zeros when there is no measurement.
inline Spread spread(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

/// Seconds that a call takes.
template <typename Call>
double seconds_of(const Call& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace gemma4::bench
