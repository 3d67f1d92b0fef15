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

  /// Multiply-adds of a job that awake helpers are worth: handing over takes about half a
  /// microsecond, and a core does this many in 2 (AVX-512) to 5 (AVX2).
  static constexpr std::uint64_t kWorthSharing = 1u << 18;

  /// And of one that sleeping helpers are woken for. Waking took the caller 2 microseconds when
  /// they had just gone to sleep and 30 after some idle time, and they came after 3 to 100: so some
  /// 20 to 80 microseconds' work of AVX2 and AVX-512 kernels. What big models do is more; what
  /// small ones do is over by then. Slower kernels would gain from waking earlier.
  static constexpr std::uint64_t kWorthWaking = 1u << 22;

  /// Threads that would share a job of so many multiply-adds now. Where it is one, there is nothing
  /// to gain from cutting a job into many tasks.
  int sharers(std::uint64_t work) const {
    if (work < kWorthSharing || threads_ == 1) return 1;
    if (work >= kWorthWaking || executor_ != nullptr) return threads_;
    return asleep_.load(std::memory_order_relaxed) < threads_ - 1 ? threads_ : 1;
  }

  /// Calls task(index, worker) for every index < count, on any of the threads, and returns when all
  /// are done. `worker` is below threads() and no two tasks run with the same one at a time, so it
  /// may choose scratch memory. When *cancel becomes true the tasks not yet begun are skipped.
  /// Callers on several threads take turns. Tasks must not throw, nor call run().
  /// `work`: about how many multiply-adds all tasks are together; see sharers().
  template <typename Task>
  void run(std::uint32_t count, std::uint64_t work, const std::atomic<bool>* cancel,
           const Task& task) {
    if (count > 1 && sharers(work) > 1) return share(count, work >= kWorthWaking, cancel, task);
    const std::lock_guard<std::mutex> turn(turn_);
    for (std::uint32_t index = 0; index < count; ++index) {
      if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) return;
      task(index, std::uint32_t{0});
    }
  }

  /// A job that is worth waking all for.
  template <typename Task>
  void run(std::uint32_t count, const std::atomic<bool>* cancel, const Task& task) {
    run(count, kWorthWaking, cancel, task);
  }

 private:
  using Call = void (*)(const void* context, std::uint32_t index, std::uint32_t worker);
  struct alignas(
      64) Share {  // a line of its own: workers count in their own share most of the time
    std::atomic<std::uint32_t> next{0};
    std::uint32_t end = 0;
  };

  template <typename Task>
  void share(std::uint32_t count, bool wake, const std::atomic<bool>* cancel, const Task& task) {
    dispatch(
        count, wake, cancel,
        [](const void* context, std::uint32_t index, std::uint32_t worker) {
          (*static_cast<const Task*>(context))(index, worker);
        },
        &task);
  }

  void dispatch(std::uint32_t count, bool wake, const std::atomic<bool>* cancel, Call call,
                const void* context);
  void work(std::uint32_t worker);
  void live(std::uint32_t worker);
  void await_job(std::uint32_t seen);
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
  std::atomic<int> asleep_{0};                       // helpers that only a notification brings back
  std::atomic<bool> ending_{false};
  std::vector<std::thread> workers_;
};

}  // namespace gemma4
