// The limits that results are told as shares of, measured by the same threads in the same run.
#pragma once

#include <cstdint>

#include "base/buffer.hpp"
#include "machine/peaks.hpp"
#include "parallel/worker_pool.hpp"

namespace gemma4::bench {

/// A measurement takes some milliseconds, so it can be repeated right beside what it is compared
/// with: on a shared machine the limit of a minute ago is another machine's.
class Limits {
 public:
  /// Takes a buffer much larger than the caches.
  explicit Limits(WorkerPool& pool);

  /// Bytes a second that all threads together read in one pass over the buffer.
  double read();

  /// Multiply-adds a second of all threads together; 0 for nullptr.
  double compute(const Peak* peak);

 private:
  void pass(bool prefetch);

  WorkerPool& pool_;
  Buffer buffer_;
  bool prefetch_ = false;  // whether asking ahead makes this machine read faster
};

/// Bytes of weights that surely come from memory when they are read in turn.
std::uint64_t beyond_caches_bytes();

}  // namespace gemma4::bench
