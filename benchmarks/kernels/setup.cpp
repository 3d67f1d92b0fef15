#include "setup.hpp"

namespace gemma4::bench {

void Recorder::sample_limits() {
  for (int i = 0; i < 3; ++i) {
    read_.push_back(setup_.limits.read());
    compute_.push_back(setup_.limits.compute(peak_));
  }
}

void Recorder::finish(benchmark::State& state, const Work& work) {
  sample_limits();
  const Spread time = spread(seconds_);
  const double read = spread(read_).median, compute = spread(compute_).median;
  if (time.median <= 0) return;
  state.counters["GB/s"] = work.bytes / time.median * 1e-9;
  state.counters["of_read"] = work.bytes / time.median / read;
  state.counters["GMAC/s"] = work.macs / time.median * 1e-9;
  if (compute > 0) state.counters["of_peak"] = work.macs / time.median / compute;
  state.counters["x_one"] = ones_.empty() ? 1.0 : time.median / spread(ones_).median;
  state.counters["min_us"] = time.min * 1e6;
  state.counters["max_us"] = time.max * 1e6;
}

}  // namespace gemma4::bench
