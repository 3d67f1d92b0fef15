#include "machine/limits.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#include "base/cpu.hpp"
#include "machine/report.hpp"
#include "machine/spread.hpp"

namespace gemma4::bench {
namespace {

constexpr std::uint64_t kTaskBytes = 1u << 20;
constexpr std::uint64_t kAheadBytes = 4096;
constexpr double kPeakSeconds = 0.004;
constexpr std::uint32_t kTasksPerThread = 4;

using Sum = std::uint64_t (*)(const std::byte* data, std::uint64_t bytes, bool prefetch);

std::uint64_t plain_sum(const std::byte* data, std::uint64_t bytes, bool) {
  std::uint64_t total = 0;
  for (std::uint64_t at = 0; at < bytes; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + at, 8);
    total += word;
  }
  return total;
}

#if defined(__x86_64__) && defined(__GNUC__)
/// Four chains of sums, so that the loads and not the additions are the limit. By hand: the
/// compiler's own vectors go through the stack here and halve the speed.
__attribute__((target("avx2"))) std::uint64_t avx2_sum(const std::byte* data, std::uint64_t bytes,
                                                       bool prefetch) {
  __m256i lanes[4] = {};
  for (std::uint64_t at = 0; at < bytes; at += 128) {
    const auto* p = reinterpret_cast<const __m256i*>(data + at);
    if (prefetch) {
      _mm_prefetch(reinterpret_cast<const char*>(p) + kAheadBytes, _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(p + 2) + kAheadBytes, _MM_HINT_T0);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) lanes[i] = _mm256_add_epi64(lanes[i], _mm256_load_si256(p + i));
  }
  const __m256i all =
      _mm256_add_epi64(_mm256_add_epi64(lanes[0], lanes[1]), _mm256_add_epi64(lanes[2], lanes[3]));
  std::uint64_t words[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(words), all);
  return words[0] + words[1] + words[2] + words[3];
}
#endif

Sum best_sum() {
#if defined(__x86_64__) && defined(__GNUC__)
  if (cpu_features().avx2) return avx2_sum;
#endif
  return plain_sum;
}

}  // namespace

std::uint64_t beyond_caches_bytes() {
  constexpr std::uint64_t kLeast = 256u << 20, kMost = 1u << 30;
  return std::clamp(8 * last_cache_bytes(), kLeast, kMost);
}

double read_seconds(WorkerPool& pool, std::span<const std::byte> memory, bool prefetch) {
  const Sum sum = best_sum();
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
