#include "machine_limits.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <thread>

#include "machine/peaks.hpp"
#include "machine/read_sum.hpp"

namespace cli {
namespace {

constexpr int kPasses = 5;
constexpr std::uint64_t kPartBytes = 2u << 20;  // parts are whole huge pages
constexpr double kPeakSeconds = 0.004;

using Clock = std::chrono::steady_clock;

std::uint64_t last_cache_bytes() {
#ifdef _SC_LEVEL3_CACHE_SIZE
  return static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_LEVEL3_CACHE_SIZE)));
#else
  return 0;
#endif
}

// Beyond the last cache, but no more than an eighth of the memory.
std::uint64_t buffer_bytes() {
  constexpr std::uint64_t kLeast = 512u << 20, kMost = 1u << 30;
  const std::uint64_t wanted = std::clamp(8 * last_cache_bytes(), kLeast, kMost);
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0) return wanted;
  return std::min(wanted,
                  static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes) / 8);
}

/// Untouched memory on huge pages where the system gives them.
class Memory {
 public:
  explicit Memory(std::uint64_t bytes) : mapped_(bytes + kPartBytes) {
    start_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start_ == MAP_FAILED)
      throw std::runtime_error("no memory to measure the memory's speed with");
#ifdef MADV_HUGEPAGE
    ::madvise(start_, mapped_, MADV_HUGEPAGE);  // a wish
#endif
  }
  ~Memory() { ::munmap(start_, mapped_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::byte* data() const {
    const auto address = reinterpret_cast<std::uintptr_t>(start_);
    return static_cast<std::byte*>(start_) + (kPartBytes - address % kPartBytes) % kPartBytes;
  }

 private:
  std::uint64_t mapped_;
  void* start_;
};

/// Seconds of each pass of work(thread, pass) on `threads` threads at once, from the first that
/// began to the last that ended. The caller is one of them: a thread that only watched would need a
/// core too, look at the clock late, and find everything faster than it is.
std::vector<double> passes_together(int threads, int passes,
                                    const std::function<void(int thread, int pass)>& work) {
  std::vector<Clock::time_point> begin(static_cast<std::size_t>(threads)), end(begin);
  std::vector<double> seconds;
  std::barrier together(threads);
  const auto member = [&](int thread) {
    const auto own = static_cast<std::size_t>(thread);
    for (int pass = 0; pass < passes; ++pass) {
      together.arrive_and_wait();
      begin[own] = Clock::now();
      work(thread, pass);
      end[own] = Clock::now();
      together.arrive_and_wait();
      if (thread != 0) continue;
      const auto first = *std::min_element(begin.begin(), begin.end());
      const auto last = *std::max_element(end.begin(), end.end());
      seconds.push_back(std::chrono::duration<double>(last - first).count());
    }
  };
  std::vector<std::thread> others;
  others.reserve(static_cast<std::size_t>(threads));
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(member, thread);
  member(0);
  for (std::thread& other : others) other.join();
  return seconds;
}

}  // namespace

Spread read_bandwidth(int threads) {
  const std::uint64_t part = std::max(
      kPartBytes, buffer_bytes() / static_cast<std::uint64_t>(threads) / kPartBytes * kPartBytes);
  const Memory memory(part * static_cast<std::uint64_t>(threads));
  const auto sum = gemma4::bench::best_read_sum();
  std::atomic<std::uint64_t> sink{0};
  const std::vector<double> seconds =
      passes_together(threads, 1 + 2 * kPasses, [&](int thread, int pass) {
        std::byte* data = memory.data() + part * static_cast<std::uint64_t>(thread);
        if (pass == 0) {
          std::memset(data, 1, part);  // touched first by the thread that reads it
        } else {
          sink += sum(data, part, pass % 2 == 0);
        }
      });
  // Asking ahead helps over pages of 4 KiB and hinders over huge ones: what is faster here counts.
  std::vector<double> rates[2];
  for (std::size_t pass = 1; pass < seconds.size(); ++pass)
    rates[pass % 2].push_back(static_cast<double>(part) * threads / seconds[pass]);
  const Spread with = spread(rates[0]), without = spread(rates[1]);
  return with.median > without.median ? with : without;
}

std::optional<Spread> int8_rate(gemma4::Isa isa, int threads) {
  const gemma4::bench::Peak* peak = gemma4::bench::int8_peak(isa);
  if (peak == nullptr) return std::nullopt;
  constexpr std::uint64_t kTrial = 20000;
  const Stopwatch watch;
  const double trial = peak->run(kTrial);
  const auto iterations =
      static_cast<std::uint64_t>(static_cast<double>(kTrial) * kPeakSeconds / watch.seconds()) + 1;
  const double done = trial / static_cast<double>(kTrial) * static_cast<double>(iterations);
  std::vector<double> rates;
  for (const double seconds :
       passes_together(threads, kPasses, [&](int, int) { (void)peak->run(iterations); }))
    rates.push_back(done * threads / seconds);
  return spread(rates);
}

}  // namespace cli
