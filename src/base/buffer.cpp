#include "base/buffer.hpp"

#include <cstring>

#include "base/checked.hpp"
#include "base/error.hpp"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace gemma4 {

void* host_memory(Allocator& allocator, std::uint64_t size_bytes) {
  void* memory = allocator.allocate(size_bytes, kBufferAlignment);
  if (memory == nullptr) {
    fail(ErrorCode::out_of_memory, format_text("the host's allocator gave no memory for %llu bytes",
                                               static_cast<unsigned long long>(size_bytes)));
  }
  if (reinterpret_cast<std::uintptr_t>(memory) % kBufferAlignment != 0) {
    allocator.deallocate(memory, size_bytes, kBufferAlignment);
    fail(ErrorCode::invalid_argument,
         format_text("the host's allocator: expected memory aligned to %llu bytes, found %p",
                     static_cast<unsigned long long>(kBufferAlignment), memory));
  }
  return memory;
}

Buffer::Buffer(std::uint64_t size_bytes, AllocatorPtr allocator, Contents contents) {
  if (size_bytes == 0) return;
  if (allocator != nullptr) {
    data_ = static_cast<std::byte*>(host_memory(*allocator, size_bytes));
    size_bytes_ = size_bytes;
    allocator_ = std::move(allocator);
    if (contents == Contents::zeros) std::memset(data_, 0, size_bytes);
    return;
  }
#if defined(_WIN32)
  void* memory = VirtualAlloc(nullptr, size_bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
  const bool failed = memory == nullptr;
#else
  void* memory =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const bool failed = memory == MAP_FAILED;
#endif
  if (failed) {
    fail(ErrorCode::out_of_memory, format_text("the system gave no memory for %llu bytes",
                                               static_cast<unsigned long long>(size_bytes)));
  }
#if defined(MADV_HUGEPAGE)
  // Weights and caches are streamed: 2 MiB pages save most of the page walks. Small buffers stay on
  // small pages, so that a tiny model stays tiny. A refusal is harmless.
  if (size_bytes >= kHugePagesFrom) madvise(memory, size_bytes, MADV_HUGEPAGE);
#endif
  data_ = static_cast<std::byte*>(memory);
  size_bytes_ = size_bytes;
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  if (allocator_ != nullptr) {
    allocator_->deallocate(data_, size_bytes_, kBufferAlignment);
    return;
  }
#if defined(_WIN32)
  VirtualFree(data_, 0, MEM_RELEASE);
#else
  munmap(data_, size_bytes_);
#endif
}

void Buffer::discard(std::byte* begin, std::uint64_t size_bytes) const noexcept {
  if (allocator_ != nullptr) return;
#if defined(_WIN32)
  VirtualAlloc(begin, size_bytes, MEM_RESET, PAGE_READWRITE);
#else
  // the buffer begins on a page of the system
  const std::uint64_t page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t from = round_up(static_cast<std::uint64_t>(begin - data_), page),
                      to = (static_cast<std::uint64_t>(begin - data_) + size_bytes) / page * page;
  if (from < to) madvise(data_ + from, to - from, MADV_DONTNEED);
#endif
}

}  // namespace gemma4
