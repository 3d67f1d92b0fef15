#include "measure.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>

namespace cli {
namespace {

double percent(std::uint64_t part, std::uint64_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(whole, 1));
}

// What drafts did; nothing when there were none.
std::string describe_drafts(const gemma4::Statistics& statistics) {
  if (statistics.drafted == 0) return {};
  char text[200];
  std::snprintf(
      text, sizeof text,
      "; %llu of %llu drafted tokens accepted (%.0f %%), %.2f tokens a step, drafting %.1f "
      "%% and checking %.1f %% of the time",
      static_cast<unsigned long long>(statistics.accepted),
      static_cast<unsigned long long>(statistics.drafted),
      percent(statistics.accepted, statistics.drafted), statistics.tokens_per_target_step(),
      percent(statistics.draft_ns, statistics.decode_ns),
      percent(statistics.verify_ns, statistics.decode_ns));
  std::string out = text;
  out += "; accepted by place";
  for (std::size_t i = 0; i < gemma4::kMostDrafts && statistics.offered_at[i] > 0; ++i) {
    std::snprintf(text, sizeof text, " %.0f",
                  percent(statistics.accepted_at[i], statistics.offered_at[i]));
    out += text;
  }
  out += " %; steps by depth";
  for (const std::uint64_t steps : statistics.depths) out += ' ' + std::to_string(steps);
  if (statistics.depths[0] == 0) return out;
  std::snprintf(text, sizeof text, "; about %.2f x the speed without drafts",
                statistics.speedup_over_plain());
  return out + text;
}

}  // namespace

Spread spread(std::vector<double> measurements) {
  std::sort(measurements.begin(), measurements.end());
  const std::size_t middle = measurements.size() / 2;
  const double median = measurements.size() % 2 != 0
                            ? measurements[middle]
                            : (measurements[middle - 1] + measurements[middle]) / 2;
  return {median, measurements.front(), measurements.back()};
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  return static_cast<std::uint64_t>(usage.ru_maxrss);
#else
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
#endif
}

std::string describe(const gemma4::Statistics& statistics) {
  char text[160];
  std::snprintf(text, sizeof text, "%llu tokens at %.1f tokens/s, prompt of %llu at %.1f tokens/s",
                static_cast<unsigned long long>(statistics.decode_tokens),
                statistics.decode_tokens_per_second(),
                static_cast<unsigned long long>(statistics.prefill_tokens),
                statistics.prefill_tokens_per_second());
  return text + describe_drafts(statistics);
}

}  // namespace cli
