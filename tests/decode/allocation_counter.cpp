#include "decode/allocation_counter.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {

std::atomic<std::uint64_t> allocations{0};
std::atomic<std::int64_t> live{0}, bytes_live{0};

std::int64_t size_of(void* memory) noexcept {
#if defined(__GLIBC__)
  return static_cast<std::int64_t>(malloc_usable_size(memory));
#else
  (void)memory;
  return 0;
#endif
}

void freed(void* memory) noexcept {
  if (memory == nullptr) return;
  --live;
  bytes_live -= size_of(memory);
  std::free(memory);
}

void* counted(std::size_t size, std::size_t alignment) noexcept {
  ++allocations;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory != nullptr) {
    ++live;
    bytes_live += size_of(memory);
  }
  return memory;
}

void* counted_or_throw(std::size_t size, std::size_t alignment) {
  void* memory = counted(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

constexpr std::size_t kUsual = alignof(std::max_align_t);
std::size_t number(std::align_val_t alignment) { return static_cast<std::size_t>(alignment); }

}  // namespace

// All forms, though the standard library's others would call these: a sanitizer replaces those it
// finds missing.
void* operator new(std::size_t n) { return counted_or_throw(n, kUsual); }
void* operator new[](std::size_t n) { return counted_or_throw(n, kUsual); }
void* operator new(std::size_t n, std::align_val_t a) { return counted_or_throw(n, number(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return counted_or_throw(n, number(a)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return counted(n, kUsual); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return counted(n, kUsual); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return counted(n, number(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return counted(n, number(a));
}

void operator delete(void* p) noexcept { freed(p); }
void operator delete[](void* p) noexcept { freed(p); }
void operator delete(void* p, std::size_t) noexcept { freed(p); }
void operator delete[](void* p, std::size_t) noexcept { freed(p); }
void operator delete(void* p, std::align_val_t) noexcept { freed(p); }
void operator delete[](void* p, std::align_val_t) noexcept { freed(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { freed(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { freed(p); }

namespace gemma4 {

std::uint64_t allocation_count() noexcept { return allocations; }
std::int64_t live_allocations() noexcept { return live; }
std::int64_t live_bytes() noexcept { return bytes_live; }

}  // namespace gemma4
