// What all kernel benchmarks share: threads, kernels, limits, and how a result is told.
#pragma once

#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/kernels.hpp"
#include "machine/limits.hpp"
#include "machine/spread.hpp"
#include "parallel/worker_pool.hpp"

namespace gemma4::bench {

struct Setup {
  Setup(int threads, const Kernels& table, std::uint32_t activation_digits_)
      : pool(threads),
        kernels(table),
        digits(activation_digits_),
        limits(pool),
        int8(int8_peak(table.isa)),
        floats(float_peak(table.isa)) {}

  WorkerPool pool;
  const Kernels& kernels;
  std::uint32_t digits;  ///< of activations: 1 or 2
  Limits limits;
  const Peak* int8;    ///< may be nullptr
  const Peak* floats;  ///< may be nullptr
};

/// What one call moves and computes.
struct Work {
  double bytes = 0;  ///< read from memory
  double macs = 0;   ///< multiply-adds
};

/// Times `call(n)` in turn with `call(1)`, and the limits before and after. Every call is expected
/// to read other memory than the one before. Counters, all from medians:
///   GB/s, of_read    bytes read, as a number and as a share of the memory's streaming speed
///   GMAC/s, of_peak  multiply-adds, likewise with the instruction set's bare loop
///   x_one            the time as a multiple of the time of call(1)
///   min_us, max_us   fastest and slowest call
template <typename Call>
void measure(benchmark::State& state, Setup& setup, const Peak* peak, std::uint32_t n,
             const Work& work, const Call& call);

// ---- implementation ----

class Recorder {
 public:
  Recorder(Setup& setup, const Peak* peak) : setup_(setup), peak_(peak) { sample_limits(); }
  void add(double seconds) { seconds_.push_back(seconds); }
  void add_one(double seconds) { ones_.push_back(seconds); }
  void finish(benchmark::State& state, const Work& work);

 private:
  void sample_limits();

  Setup& setup_;
  const Peak* peak_;
  std::vector<double> seconds_, ones_, read_, compute_;
};

template <typename Call>
void measure(benchmark::State& state, Setup& setup, const Peak* peak, std::uint32_t n,
             const Work& work, const Call& call) {
  call(n);  // touches everything that is not streamed
  Recorder recorder(setup, peak);
  for (auto _ : state) {
    if (n > 1) recorder.add_one(seconds_of([&] { call(1); }));
    const double seconds = seconds_of([&] { call(n); });
    recorder.add(seconds);
    state.SetIterationTime(seconds);
  }
  recorder.finish(state, work);
}

void register_matmul(Setup& setup);
void register_attention(Setup& setup);

}  // namespace gemma4::bench
