// Threads that share the tasks of one job after another.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "gemma4/executor.hpp"

namespace gemma4 {

/// A fixed set of threads, the caller's included. run() hands out tasks 0 ... n-1: each worker
/// begins with its own contiguous share and helps the others when done, so a slow core delays
/// nobody for longer than one task. Which worker computes a task never shows in a result. Workers
/// spin for some microseconds between jobs and then sleep.
class WorkerPool {
 public:
  /// threads >= 1; threads - 1 are started. Throws Error(out_of_memory) when the system refuses
  /// one.
  explicit WorkerPool(int threads);
  /// Starts no thread: the host's executor runs the workers.
  explicit WorkerPool(std::shared_ptr<Executor> executor);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int threads() const { return threads_; }

  /// Multiply-adds of some 5 microseconds on one core.
  static constexpr std::uint64_t kWorthWaking = 1u << 18;

  /// Calls task(index, worker) for every index < count, on any of the threads, and returns when all
  /// are done. `worker` is below threads() and no two tasks run with the same one at a time, so it
  /// may choose scratch memory. When *cancel becomes true the tasks not yet begun are skipped.
  /// Callers on several threads take turns. Tasks must not throw, nor call run().
  /// `work`: about how many multiply-adds all tasks are together; less than kWorthWaking runs on
  /// the caller's thread alone, because waking others would take longer.
  template <typename Task>
  void run(std::uint32_t count, std::uint64_t work, const std::atomic<bool>* cancel,
           const Task& task) {
    if (work >= kWorthWaking) return run(count, cancel, task);
    run(1, cancel, [&](std::uint32_t, std::uint32_t worker) {
      for (std::uint32_t index = 0; index < count; ++index) task(index, worker);
    });
  }

  template <typename Task>
  void run(std::uint32_t count, const std::atomic<bool>* cancel, const Task& task) {
    dispatch(
        count, cancel,
        [](const void* context, std::uint32_t index, std::uint32_t worker) {
          (*static_cast<const Task*>(context))(index, worker);
        },
        &task);
  }

 private:
  using Call = void (*)(const void* context, std::uint32_t index, std::uint32_t worker);
  struct alignas(
      64) Share {  // a line of its own: workers count in their own share most of the time
    std::atomic<std::uint32_t> next{0};
    std::uint32_t end = 0;
  };

  void dispatch(std::uint32_t count, const std::atomic<bool>* cancel, Call call,
                const void* context);
  void work(std::uint32_t worker);
  void live(std::uint32_t worker);
  void stop() noexcept;

  int threads_;
  std::shared_ptr<Executor> executor_;
  std::mutex turn_;  // one job at a time
  Call call_ = nullptr;
  const void* context_ = nullptr;
  const std::atomic<bool>* cancel_ = nullptr;
  std::unique_ptr<Share[]> shares_;

  // The job's door: bit 0 = open, the rest counts the workers inside. A worker enters only while
  // the door is open; run() closes it when no task is left and returns when nobody is inside. So it
  // never waits for a worker that is still asleep.
  alignas(64) std::atomic<std::uint32_t> door_{0};
  alignas(64) std::atomic<std::uint32_t> epoch_{0};  // changes with every job and at the end
  std::atomic<bool> ending_{false};
  std::vector<std::thread> workers_;
};

}  // namespace gemma4
