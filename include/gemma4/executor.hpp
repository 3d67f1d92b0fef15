// The host's own threads instead of the library's.
#pragma once

namespace gemma4 {

/// Implemented by a host that has a thread pool already. Results are the same bits with any
/// executor.
class Executor {
 public:
  virtual ~Executor() = default;

  /// How many calls parallel_for may run at the same time, at least 1. Asked once, when a model is
  /// loaded; it decides how much scratch memory sessions plan.
  virtual int concurrency() const noexcept = 0;

  /// Calls call(context, index) once for every index < count (count <= concurrency()), on any
  /// threads, the calling one included, at the same time or one after another, and returns when all
  /// calls have returned. The calls share the work out among themselves, so a late or slow one
  /// delays nobody. Must not throw. The library never calls it from two threads at a time.
  virtual void parallel_for(int count, void (*call)(void* context, int index),
                            void* context) noexcept = 0;
};

}  // namespace gemma4
