// Memory in pages of one size that several owners can hold at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "base/buffer.hpp"

namespace gemma4 {

class PagePool;

/// A share in a page; the last one gives it back to its pool. A page may be written while it has
/// one owner. Copies of one PageRef object belong to one thread at a time, the shares of a page to
/// any number of threads.
class PageRef {
 public:
  PageRef() = default;
  PageRef(const PageRef& other) noexcept;
  PageRef(PageRef&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  PageRef& operator=(PageRef other) noexcept {
    std::swap(page_, other.page_);
    return *this;
  }
  ~PageRef() { reset(); }

  void reset() noexcept;
  explicit operator bool() const { return page_ != nullptr; }
  bool operator==(const PageRef& other) const = default;
  std::byte* data() const;
  bool shared() const noexcept;

 private:
  friend class PagePool;
  struct Page;
  explicit PageRef(Page* page) : page_(page) {}
  Page* page_ = nullptr;
};

/// Owners say how many pages they will hold at most (reserve), and are never refused as many. As
/// the pages of all owners together are no more than all have reserved, it does not matter whose
/// reservation a page came from: a page that two hold is paid twice. Any thread may call anything.
class PagePool {
 public:
  explicit PagePool(std::uint64_t page_bytes, AllocatorPtr allocator = nullptr);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  std::uint64_t page_bytes() const { return page_bytes_; }
  /// Memory is the host's: what is reserved is taken at once.
  bool of_host() const { return allocator_ != nullptr; }

  /// Makes room for `pages` more. The system's memory is committed when it is first written. Throws
  /// Error(out_of_memory).
  void reserve(std::uint64_t pages);
  /// Takes such a promise back; who had it holds no pages any more. Their memory returns to the
  /// system; a page of the host's by itself.
  void cancel(std::uint64_t pages) noexcept;

  /// A page of zeros with one owner: it may have been anybody's. Never null for an owner that stays
  /// within its reservation and gives a page up before it takes another. Does not allocate.
  PageRef take() noexcept;

  /// `page`, which is the caller's reservation, with one owner and the same contents: a copy if
  /// others have it. Does not allocate.
  void make_own(PageRef& page) noexcept;

 private:
  friend class PageRef;
  struct Slab;
  using Page = PageRef::Page;
  void add_slab(std::uint64_t pages);
  PageRef take_as_it_is() noexcept;
  void give_back(Page* page) noexcept;
  void retire(Page* page) noexcept;

  const std::uint64_t page_bytes_;
  const AllocatorPtr allocator_;
  std::mutex mutex_;
  std::list<Slab> slabs_;
  Page* free_ = nullptr;     // pages to be taken
  Page* retired_ = nullptr;  // pages nobody has reserved; they hold no memory
  std::uint64_t due_ = 0;    // pages to be retired when they come back
};

}  // namespace gemma4
