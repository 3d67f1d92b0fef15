// Pages: nobody within a reservation is refused, a page with one owner is its owner's alone.
#include "cache/page_pool.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace gemma4::test {
namespace {

constexpr std::uint64_t kBytes = 8192;

void fill(const PageRef& page, std::uint32_t tag) {
  std::uint32_t* numbers = reinterpret_cast<std::uint32_t*>(page.data());
  std::fill_n(numbers, kBytes / 4, tag);
}

bool holds(const PageRef& page, std::uint32_t tag) {
  const std::uint32_t* numbers = reinterpret_cast<const std::uint32_t*>(page.data());
  return std::all_of(numbers, numbers + kBytes / 4, [tag](std::uint32_t n) { return n == tag; });
}

/// Takes, shares, copies and gives up pages at random, at most `most`, and looks whether its own
/// keep what it wrote.
class Owner {
 public:
  Owner(PagePool& pool, std::uint64_t most, std::uint32_t seed)
      : pool_(pool), random_(seed), pages_(most), tags_(most) {
    pool_.reserve(most);
  }
  ~Owner() {
    const std::uint64_t most = pages_.size();
    pages_.clear();
    pool_.cancel(most);
  }

  bool act() {
    const std::size_t at = random_() % pages_.size();
    PageRef& page = pages_[at];
    switch (random_() % 4) {
      case 0:
        page.reset();
        return true;
      case 1:
        if (!page) page = pool_.take();
        if (!page) return false;
        break;
      case 2: {  // share one's own
        const std::size_t other = random_() % pages_.size();
        pages_[at] = pages_[other];
        tags_[at] = tags_[other];
        return !pages_[at] || holds(pages_[at], tags_[at]);
      }
      default:
        break;
    }
    if (!page) return true;
    pool_.make_own(page);
    tags_[at] = static_cast<std::uint32_t>(random_());
    fill(page, tags_[at]);
    return holds(page, tags_[at]);
  }

  bool whole() const {
    for (std::size_t i = 0; i < pages_.size(); ++i) {
      if (pages_[i] && !holds(pages_[i], tags_[i])) return false;
    }
    return true;
  }

  void share_with(Owner& other) const {
    for (std::size_t i = 0; i < std::min(pages_.size(), other.pages_.size()); ++i) {
      other.pages_[i] = pages_[i];
      other.tags_[i] = tags_[i];
    }
  }

 private:
  PagePool& pool_;
  std::mt19937 random_;
  std::vector<PageRef> pages_;
  std::vector<std::uint32_t> tags_;
};

}  // namespace

TEST_CASE("every owner gets what it has reserved, and no more than all have") {
  PagePool pool(kBytes);
  CHECK_FALSE(pool.take());
  pool.reserve(3);
  std::vector<PageRef> pages;
  for (int i = 0; i < 3; ++i) {
    pages.push_back(pool.take());
    REQUIRE(pages.back());
    fill(pages.back(), static_cast<std::uint32_t>(i));
  }
  CHECK_FALSE(pool.take());
  pages[0].reset();
  CHECK(pool.take());  // and given back at once
  pool.reserve(2);
  for (int i = 0; i < 3; ++i) pages.push_back(pool.take());
  CHECK(pages.back());
  CHECK_FALSE(pool.take());
  CHECK(holds(pages[1], 1));
  CHECK(holds(pages[2], 2));
  pages.clear();
  pool.cancel(5);
  CHECK_FALSE(pool.take());
}

TEST_CASE("a shared page is copied before it is written") {
  PagePool pool(kBytes);
  pool.reserve(4);
  PageRef page = pool.take();
  fill(page, 7);
  CHECK_FALSE(page.shared());
  PageRef same = page;
  CHECK(page.shared());
  CHECK(same == page);
  pool.make_own(same);
  CHECK_FALSE(page.shared());
  CHECK_FALSE(same.shared());
  CHECK(holds(same, 7));
  fill(same, 8);
  CHECK(holds(page, 7));
  const std::byte* place = same.data();
  pool.make_own(same);  // its own already
  CHECK(same.data() == place);
}

TEST_CASE("pages outlive the reservation they came from while others hold them") {
  PagePool pool(kBytes);
  auto first = std::make_unique<Owner>(pool, 8, 1);
  for (int i = 0; i < 100; ++i) REQUIRE(first->act());
  Owner second(pool, 8, 2);
  first->share_with(second);
  for (int i = 0; i < 100; ++i) REQUIRE(first->act());
  CHECK(second.whole());
  first.reset();
  CHECK(second.whole());
  for (int i = 0; i < 1000; ++i) REQUIRE(second.act());
  CHECK(second.whole());
}

TEST_CASE("owners on several threads, coming and going, keep their contents") {
  PagePool pool(kBytes);
  bool failed[4] = {};
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t round = 0; round < 20 && !failed[t]; ++round) {
        Owner one(pool, 5 + round % 7, 100 * t + round), two(pool, 9, round);
        for (int i = 0; i < 200 && !failed[t]; ++i) failed[t] = !one.act() || !two.act();
        one.share_with(two);
        for (int i = 0; i < 200 && !failed[t]; ++i) failed[t] = !one.act() || !two.act();
        failed[t] = failed[t] || !one.whole() || !two.whole();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const bool one : failed) CHECK_FALSE(one);
  CHECK_FALSE(pool.take());  // nothing is left of anybody
}

}  // namespace gemma4::test
