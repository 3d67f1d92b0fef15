#include "parallel/worker_pool.hpp"

#include <system_error>

#include "base/error.hpp"

namespace gemma4 {
namespace {

constexpr std::uint32_t kOpen = 1, kInside = 2;

/// How often a thread looks before it sleeps: some 20 microseconds, longer than the pauses between
/// the jobs of a decode step.
constexpr int kSpins = 2000;

inline void relax() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/// Returns when `value` differs from `old`.
void await_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

WorkerPool::WorkerPool(int threads)
    : threads_(threads), shares_(new Share[static_cast<std::size_t>(threads)]) {
  workers_.reserve(static_cast<std::size_t>(threads) - 1);
  try {
    for (int i = 1; i < threads; ++i)
      workers_.emplace_back([this, i] { live(static_cast<std::uint32_t>(i)); });
  } catch (const std::system_error& error) {
    const std::size_t started = workers_.size() + 1;
    stop();
    fail(ErrorCode::out_of_memory, format_text("thread %zu of %d could not be started: %s",
                                               started + 1, threads, error.what()));
  } catch (...) {  // no memory for a thread's start; those that run must not be left behind
    stop();
    throw;
  }
}

WorkerPool::WorkerPool(std::shared_ptr<Executor> executor)
    : threads_(executor->concurrency() > 1 ? executor->concurrency() : 1),
      executor_(std::move(executor)),
      shares_(new Share[static_cast<std::size_t>(threads_)]) {}

WorkerPool::~WorkerPool() { stop(); }

void WorkerPool::stop() noexcept {
  ending_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void WorkerPool::dispatch(std::uint32_t count, const std::atomic<bool>* cancel, Call call,
                          const void* context) {
  if (count == 0) return;
  const std::lock_guard<std::mutex> turn(turn_);
  call_ = call;
  context_ = context;
  cancel_ = cancel;
  const std::uint32_t threads = static_cast<std::uint32_t>(threads_);
  const std::uint32_t helpers = count > 1 ? threads - 1 : 0;  // a single task is the caller's
  for (std::uint32_t i = 0; i <= helpers; ++i) {
    shares_[i].next.store(static_cast<std::uint32_t>(std::uint64_t{count} * i / (helpers + 1)),
                          std::memory_order_relaxed);
    shares_[i].end = static_cast<std::uint32_t>(std::uint64_t{count} * (i + 1) / (helpers + 1));
  }
  if (helpers == 0) {
    for (std::uint32_t i = 1; i < threads; ++i) shares_[i].end = 0;
    work(0);
    return;
  }
  if (executor_ != nullptr) {
    const auto enter = [](void* pool, int worker) {
      static_cast<WorkerPool*>(pool)->work(static_cast<std::uint32_t>(worker));
    };
    executor_->parallel_for(static_cast<int>(helpers) + 1, enter, this);
    return;
  }
  door_.store(kOpen, std::memory_order_release);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  work(0);
  std::uint32_t door = door_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  while (door != 0) {
    await_change(door_, door);
    door = door_.load(std::memory_order_acquire);
  }
}

void WorkerPool::work(std::uint32_t worker) {
  const std::uint32_t threads = static_cast<std::uint32_t>(threads_);
  for (std::uint32_t i = 0; i < threads; ++i) {
    Share& share = shares_[(worker + i) % threads];
    while (share.next.load(std::memory_order_relaxed) < share.end) {
      const std::uint32_t index = share.next.fetch_add(1, std::memory_order_relaxed);
      if (index >= share.end) break;
      if (cancel_ != nullptr && cancel_->load(std::memory_order_relaxed)) return;
      call_(context_, index, worker);
    }
  }
}

void WorkerPool::live(std::uint32_t worker) {
  std::uint32_t seen = 0;
  for (;;) {
    await_change(epoch_, seen);
    seen = epoch_.load(std::memory_order_acquire);
    if (ending_.load(std::memory_order_relaxed)) return;
    std::uint32_t door = door_.load(std::memory_order_acquire);
    bool entered = false;
    while ((door & kOpen) != 0 && !entered) {
      entered = door_.compare_exchange_weak(door, door + kInside, std::memory_order_acquire,
                                            std::memory_order_acquire);
    }
    if (!entered) continue;
    work(worker);
    if (door_.fetch_sub(kInside, std::memory_order_acq_rel) - kInside == 0) door_.notify_all();
  }
}

}  // namespace gemma4
