#include "parallel/worker_pool.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <numeric>
#include <thread>

namespace gemma4::test {

TEST_CASE("every task runs exactly once, whatever the number of threads") {
  for (const int threads : {1, 2, 3, 8}) {
    WorkerPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const std::uint32_t count : {0u, 1u, 2u, 3u, 7u, 64u, 1000u}) {
      for (int repeat = 0; repeat < 50; ++repeat) {
        std::vector<std::atomic<int>> done(count);
        pool.run(count, nullptr, [&](std::uint32_t i, std::uint32_t worker) {
          if (worker < static_cast<std::uint32_t>(threads)) done[i].fetch_add(1);
        });
        for (const auto& d : done) REQUIRE(d.load() == 1);
      }
    }
  }
}

TEST_CASE("two tasks never run with the same worker number at a time") {
  WorkerPool pool(4);
  std::atomic<int> busy[4] = {};
  std::atomic<bool> clash{false};
  for (int repeat = 0; repeat < 200; ++repeat) {
    pool.run(64, nullptr, [&](std::uint32_t, std::uint32_t worker) {
      if (busy[worker].fetch_add(1) != 0) clash = true;
      busy[worker].fetch_sub(1);
    });
  }
  CHECK(!clash);
}

TEST_CASE("a cancelled job skips the tasks not yet begun") {
  WorkerPool pool(2);
  std::atomic<bool> cancel{false};
  std::atomic<int> ran{0};
  pool.run(1000, &cancel, [&](std::uint32_t, std::uint32_t) {
    cancel = true;
    ran.fetch_add(1);
  });
  CHECK(ran.load() >= 1);
  CHECK(ran.load() <= 2);  // at most one task per thread was under way
}

TEST_CASE("callers on several threads take turns") {
  WorkerPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<std::uint64_t> total{0};
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 200; ++repeat) {
        std::vector<std::uint64_t> parts(40);
        pool.run(40, nullptr, [&](std::uint32_t i, std::uint32_t) { parts[i] = i; });
        total += std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(total.load() == 4u * 200u * 780u);
}

TEST_CASE("sleeping helpers miss small jobs and no large one") {
  using namespace std::chrono_literals;
  WorkerPool pool(3);
  for (int repeat = 0; repeat < 20; ++repeat) {
    for (int patience = 0; pool.sharers(WorkerPool::kWorthSharing) > 1 && patience < 10'000;
         ++patience)
      std::this_thread::sleep_for(1ms);
    REQUIRE(pool.sharers(WorkerPool::kWorthSharing) == 1);
    CHECK(pool.sharers(WorkerPool::kWorthWaking) == 3);
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<int> elsewhere{0};
    for (int jobs = 0; jobs < repeat % 3; ++jobs) {
      pool.run(8, WorkerPool::kWorthSharing, nullptr, [&](std::uint32_t, std::uint32_t worker) {
        elsewhere += worker != 0 || std::this_thread::get_id() != caller;
      });
    }
    CHECK(elsewhere.load() == 0);
    // every task waits for the others, so all threads have to come
    std::atomic<int> present{0};
    pool.run(3, WorkerPool::kWorthWaking, nullptr, [&](std::uint32_t, std::uint32_t) {
      ++present;
      const auto end = std::chrono::steady_clock::now() + 30s;
      while (present.load() < 3 && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    });
    CHECK(present.load() == 3);
  }
}

TEST_CASE("helpers that are awake share small jobs") {
  using namespace std::chrono_literals;
  WorkerPool pool(2);
  bool shared = false;
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (!shared && std::chrono::steady_clock::now() < end) {
    pool.run(2, WorkerPool::kWorthWaking, nullptr, [](std::uint32_t, std::uint32_t) {});
    std::atomic<bool> begun{false};
    pool.run(2, WorkerPool::kWorthSharing, nullptr, [&](std::uint32_t index, std::uint32_t) {
      if (index == 1) begun = true;
      // while the first task waits the second begins only if another thread takes it
      const auto enough = std::chrono::steady_clock::now() + 1ms;
      while (index == 0 && !shared && std::chrono::steady_clock::now() < enough) shared = begun;
    });
  }
  CHECK(shared);
}

TEST_CASE("a cancelled job that nobody shares ends with the task that was begun") {
  WorkerPool pool(1);
  std::atomic<bool> cancel{false};
  int ran = 0;
  pool.run(10, 0, &cancel, [&](std::uint32_t index, std::uint32_t) {
    ++ran;
    cancel = index == 3;
  });
  CHECK(ran == 4);
}

namespace {

/// Hosts: one that does everything on the calling thread, last call first, and one with a thread
/// per call.
struct Sequential : Executor {
  int concurrency() const noexcept override { return 3; }
  void parallel_for(int count, void (*call)(void*, int), void* context) noexcept override {
    ++jobs;
    for (int i = count; i-- > 0;) call(context, i);
  }
  int jobs = 0;
};
struct ThreadPerCall : Executor {
  int concurrency() const noexcept override { return 4; }
  void parallel_for(int count, void (*call)(void*, int), void* context) noexcept override {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back(call, context, i);
    for (std::thread& thread : threads) thread.join();
  }
};

}  // namespace

TEST_CASE("a host's executor runs every task exactly once") {
  const auto sequential = std::make_shared<Sequential>();
  for (const std::shared_ptr<Executor>& executor :
       {std::shared_ptr<Executor>(sequential),
        std::shared_ptr<Executor>(std::make_shared<ThreadPerCall>())}) {
    WorkerPool pool(executor);
    CHECK(pool.threads() == executor->concurrency());
    for (const std::uint32_t count : {0u, 1u, 2u, 9u, 500u}) {
      std::vector<std::atomic<int>> done(count);
      pool.run(count, nullptr, [&](std::uint32_t i, std::uint32_t) { done[i].fetch_add(1); });
      for (const auto& d : done) REQUIRE(d.load() == 1);
    }
  }
  CHECK(sequential->jobs == 3);  // nothing and single tasks need nobody
}

}  // namespace gemma4::test
