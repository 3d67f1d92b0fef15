// A host's allocator that counts, fills what it gives with nonsense, and refuses when told to.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "gemma4/allocator.hpp"

namespace gemma4::testing {

class CountingAllocator final : public Allocator {
 public:
  ~CountingAllocator() override { CHECK(blocks_.empty()); }

  void* allocate(std::uint64_t size_bytes, std::uint64_t alignment_bytes) noexcept override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (asked_++ == refused) return nullptr;
    const std::uint64_t whole = (size_bytes + alignment_bytes - 1) / alignment_bytes;
    void* memory = std::aligned_alloc(alignment_bytes, whole * alignment_bytes);
    std::memset(memory, 0xFF, size_bytes);  // as a number it is none
    blocks_.emplace(memory, size_bytes);
    held_bytes_ += size_bytes;
    return memory;
  }

  void deallocate(void* memory, std::uint64_t size_bytes,
                  std::uint64_t alignment_bytes) noexcept override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = blocks_.find(memory);
    const bool known = found != blocks_.end() && found->second == size_bytes;
    CHECK(known);
    CHECK(alignment_bytes == 64);
    if (!known) return;
    blocks_.erase(found);
    held_bytes_ -= size_bytes;
    std::free(memory);
  }

  std::uint64_t held_bytes() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return held_bytes_;
  }
  std::uint64_t asked() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
  }
  void forget_asked() { asked_ = 0; }

  std::uint64_t refused = UINT64_MAX;  ///< the block that is not given, counted from 0

 private:
  mutable std::mutex mutex_;
  std::map<void*, std::uint64_t> blocks_;
  std::uint64_t held_bytes_ = 0, asked_ = 0;
};

}  // namespace gemma4::testing
