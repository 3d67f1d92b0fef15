#include "cache/page_pool.hpp"

#include <algorithm>
#include <iterator>
#include <thread>

namespace gemma4 {

struct PageRef::Page {
  std::byte* data = nullptr;
  PagePool* pool = nullptr;
  PagePool::Slab* slab = nullptr;
  Page* next = nullptr;  // in the list it is in
  std::atomic<std::uint32_t> owners{0};
  bool used = false;  // no longer zeros
};

struct PagePool::Slab {
  Buffer memory;
  std::unique_ptr<Page[]> pages;
  std::uint64_t count = 0, retired = 0;
  std::list<Slab>::iterator place;
};

PageRef::PageRef(const PageRef& other) noexcept : page_(other.page_) {
  if (page_ != nullptr) page_->owners.fetch_add(1, std::memory_order_relaxed);
}

void PageRef::reset() noexcept {
  Page* page = std::exchange(page_, nullptr);
  if (page != nullptr && page->owners.fetch_sub(1, std::memory_order_acq_rel) == 1)
    page->pool->give_back(page);
}

std::byte* PageRef::data() const { return page_->data; }

bool PageRef::shared() const noexcept { return page_->owners.load(std::memory_order_acquire) > 1; }

PagePool::PagePool(std::uint64_t page_bytes, AllocatorPtr allocator)
    : page_bytes_(page_bytes), allocator_(std::move(allocator)) {}
PagePool::~PagePool() = default;

void PagePool::reserve(std::uint64_t pages) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::uint64_t reused = 0;
  for (const Page* page = retired_; page != nullptr && reused < pages; page = page->next) ++reused;
  const std::uint64_t missing = pages - reused;
  // the host's memory goes back page by page: what it gave is at any time what is reserved
  const std::uint64_t at_once = of_host() ? 1 : missing;
  std::uint64_t added = 0;
  try {
    for (; added < missing; added += at_once) add_slab(at_once);
  } catch (...) {
    for (; added > 0; --added) retire(std::exchange(free_, free_->next));
    throw;
  }
  for (; reused > 0; --reused) {
    Page* page = std::exchange(retired_, retired_->next);
    --page->slab->retired;
    page->next = std::exchange(free_, page);
  }
}

/// Free pages in one piece of memory.
void PagePool::add_slab(std::uint64_t pages) {
  slabs_.push_back({Buffer(pages * page_bytes_, allocator_, Contents::any),
                    std::make_unique<Page[]>(pages),
                    pages,
                    0,
                    {}});
  Slab& slab = slabs_.back();
  slab.place = std::prev(slabs_.end());
  for (std::uint64_t i = pages; i-- > 0;) {
    Page& page = slab.pages[i];
    page.data = slab.memory.data() + i * page_bytes_;
    page.pool = this;
    page.slab = &slab;
    page.used = of_host();
    page.next = std::exchange(free_, &page);
  }
}

void PagePool::cancel(std::uint64_t pages) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (; pages > 0 && free_ != nullptr; --pages) retire(std::exchange(free_, free_->next));
  due_ += pages;
}

/// Takes a page out of use, and with the last of its slab the slab.
void PagePool::retire(Page* page) noexcept {
  Slab* slab = page->slab;
  page->next = std::exchange(retired_, page);
  if (++slab->retired < slab->count) {
    slab->memory.discard(page->data, page_bytes_);
    return;
  }
  for (Page** link = &retired_; *link != nullptr;) {
    if ((*link)->slab == slab)
      *link = (*link)->next;
    else
      link = &(*link)->next;
  }
  slabs_.erase(slab->place);
}

PageRef PagePool::take() noexcept {
  PageRef page = take_as_it_is();
  if (page && std::exchange(page.page_->used, true))
    std::fill_n(page.data(), page_bytes_, std::byte{});
  return page;
}

PageRef PagePool::take_as_it_is() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (free_ == nullptr) return {};
  Page* page = std::exchange(free_, free_->next);
  page->owners.store(1, std::memory_order_relaxed);
  return PageRef(page);
}

void PagePool::give_back(Page* page) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (due_ > 0) {
    --due_;
    retire(page);
  } else {
    page->next = std::exchange(free_, page);
  }
}

/// While it copies, the caller holds one page more than it has reserved. If that is one too many
/// for a moment, the others that share the page are about to give theirs up or have done so.
void PagePool::make_own(PageRef& page) noexcept {
  while (page.shared()) {
    if (PageRef copy = take_as_it_is()) {
      copy.page_->used = true;
      std::copy_n(page.data(), page_bytes_, copy.data());
      page = std::move(copy);
      return;
    }
    std::this_thread::yield();
  }
}

}  // namespace gemma4
