#include "machine/limits.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "machine/read_sum.hpp"
#include "machine/report.hpp"
#include "machine/spread.hpp"

namespace gemma4::bench {
namespace {

constexpr std::uint64_t kTaskBytes = 1u << 20;
constexpr double kPeakSeconds = 0.004;
constexpr std::uint32_t kTasksPerThread = 4;

}  // namespace

std::uint64_t beyond_caches_bytes() {
  constexpr std::uint64_t kLeast = 256u << 20, kMost = 1u << 30;
  return std::clamp(8 * last_cache_bytes(), kLeast, kMost);
}

double read_seconds(WorkerPool& pool, std::span<const std::byte> memory, bool prefetch) {
  const ReadSum sum = best_read_sum();
  std::atomic<std::uint64_t> sink{0};
  const std::uint64_t tasks = memory.size() / kTaskBytes;
  const double seconds = seconds_of([&] {
    pool.run(static_cast<std::uint32_t>(tasks), nullptr, [&](std::uint32_t task, std::uint32_t) {
      sink.fetch_add(sum(memory.data() + task * kTaskBytes, kTaskBytes, prefetch),
                     std::memory_order_relaxed);
    });
  });
  return seconds * static_cast<double>(memory.size()) / static_cast<double>(tasks * kTaskBytes);
}

Limits::Limits(WorkerPool& pool) : pool_(pool), buffer_(beyond_caches_bytes()) {
  pool_.run(static_cast<std::uint32_t>(buffer_.size_bytes() / kTaskBytes), nullptr,
            [&](std::uint32_t task, std::uint32_t) {
              std::memset(buffer_.data() + task * kTaskBytes, 1, kTaskBytes);
            });
  std::vector<double> with, without;
  for (int i = 0; i < 5; ++i) {
    with.push_back(pass(true));
    without.push_back(pass(false));
  }
  prefetch_ = spread(with).median < spread(without).median;
}

double Limits::read() { return static_cast<double>(buffer_.size_bytes()) / pass(prefetch_); }

double Limits::compute(const Peak* peak) {
  if (peak == nullptr) return 0;
  // as many iterations as one thread needs for the wanted time, by a short trial
  constexpr std::uint64_t kTrial = 20000;
  const double trial = seconds_of([&] { peak->run(kTrial); });
  const auto iterations =
      static_cast<std::uint64_t>(kTrial * (kPeakSeconds / kTasksPerThread / trial)) + 1;
  const std::uint32_t tasks = static_cast<std::uint32_t>(pool_.threads()) * kTasksPerThread;
  std::vector<double> done(tasks);
  const double seconds = seconds_of([&] {
    pool_.run(tasks, nullptr,
              [&](std::uint32_t task, std::uint32_t) { done[task] = peak->run(iterations); });
  });
  double total = 0;
  for (const double d : done) total += d;
  return total / seconds;
}

}  // namespace gemma4::bench
