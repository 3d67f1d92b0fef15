// The limits that results are told as shares of, measured by the same threads in the same run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/buffer.hpp"
#include "machine/peaks.hpp"
#include "parallel/worker_pool.hpp"

namespace gemma4::bench {

/// Seconds in which the threads of a pool together read this memory once, asking ahead or not.
/// Where a machine put a piece of memory changes its speed by half: what is read over and over is
/// best compared with itself.
double read_seconds(WorkerPool& pool, std::span<const std::byte> memory, bool prefetch);

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
  double pass(bool prefetch) {
    return read_seconds(pool_, {buffer_.data(), buffer_.size_bytes()}, prefetch);
  }

  WorkerPool& pool_;
  Buffer buffer_;
  bool prefetch_ = false;  // whether asking ahead makes this machine read faster
};

/// Bytes of weights that surely come from memory when they are read in turn.
std::uint64_t beyond_caches_bytes();

}  // namespace gemma4::bench
