#include "parallel/worker_pool.hpp"

#include <system_error>

#include "base/error.hpp"

namespace gemma4 {
namespace {

constexpr std::uint32_t kOpen = 1, kInside = 2;

/// How often a thread looks before it sleeps: some 20 microseconds or, where the processor's pause
/// is long, 60; longer than the pauses between the jobs of a decode step.
constexpr int kSpins = 2000;

inline void relax() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/// Looks for a while whether `value` differs from `old`.
bool changes_soon(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return true;
    relax();
  }
  return false;
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

void WorkerPool::dispatch(std::uint32_t count, bool wake, const std::atomic<bool>* cancel,
                          Call call, const void* context) {
  const std::lock_guard<std::mutex> turn(turn_);
  call_ = call;
  context_ = context;
  cancel_ = cancel;
  const std::uint32_t threads = static_cast<std::uint32_t>(threads_);
  for (std::uint32_t i = 0; i < threads; ++i) {
    shares_[i].next.store(static_cast<std::uint32_t>(std::uint64_t{count} * i / threads),
                          std::memory_order_relaxed);
    shares_[i].end = static_cast<std::uint32_t>(std::uint64_t{count} * (i + 1) / threads);
  }
  if (executor_ != nullptr) {
    const auto enter = [](void* pool, int worker) {
      static_cast<WorkerPool*>(pool)->work(static_cast<std::uint32_t>(worker));
    };
    executor_->parallel_for(threads_, enter, this);
    return;
  }
  door_.store(kOpen, std::memory_order_release);
  epoch_.fetch_add(1, std::memory_order_release);
  if (wake) epoch_.notify_all();
  work(0);
  std::uint32_t door = door_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  while (door != 0) {
    if (!changes_soon(door_, door)) door_.wait(door, std::memory_order_acquire);
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

/// Who sleeps with an old epoch is woken by the next notification: a job that none was sent for can
/// do without. One that comes before the thread sleeps is seen, because wait() looks again.
void WorkerPool::await_job(std::uint32_t seen) {
  if (changes_soon(epoch_, seen)) return;
  asleep_.fetch_add(1, std::memory_order_relaxed);
  epoch_.wait(seen, std::memory_order_acquire);
  asleep_.fetch_sub(1, std::memory_order_relaxed);
}

void WorkerPool::live(std::uint32_t worker) {
  std::uint32_t seen = 0;
  for (;;) {
    await_job(seen);
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
