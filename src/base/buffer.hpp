// Large aligned memory, taken once from the operating system or the host and given back once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "gemma4/allocator.hpp"

namespace gemma4 {

/// Where large memory comes from; null: the operating system.
using AllocatorPtr = std::shared_ptr<Allocator>;

constexpr std::uint64_t kBufferAlignment = 64;

/// Buffers of this size and more ask for huge pages.
constexpr std::uint64_t kHugePagesFrom = 8u << 20;

/// Memory of the host's, aligned to kBufferAlignment. Throws Error(out_of_memory), and
/// Error(invalid_argument) for memory that is not aligned.
void* host_memory(Allocator& allocator, std::uint64_t size_bytes);

/// What a buffer must hold at first.
enum class Contents : std::uint8_t { zeros, any };

/// Memory aligned to at least kBufferAlignment. The system's is zero-filled, and its pages are
/// committed when first touched, so a buffer may be reserved for the largest case and cost only
/// what is used; the host's is cleared unless any contents will do. Throws Error(out_of_memory),
/// and Error(invalid_argument) for memory of the host's that is not aligned.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::uint64_t size_bytes, AllocatorPtr allocator = nullptr,
                  Contents contents = Contents::zeros);
  Buffer(Buffer&& other) noexcept
      : allocator_(std::move(other.allocator_)),
        data_(std::exchange(other.data_, nullptr)),
        size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(allocator_, other.allocator_);
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  ~Buffer();

  /// Gives the memory of the system's pages that lie wholly inside this part of the buffer back;
  /// what it holds afterwards is undefined. A refusal is harmless. The host's memory stays.
  void discard(std::byte* begin, std::uint64_t size_bytes) const noexcept;

  std::byte* data() const { return data_; }
  std::uint64_t size_bytes() const { return size_bytes_; }

 private:
  AllocatorPtr allocator_;
  std::byte* data_ = nullptr;
  std::uint64_t size_bytes_ = 0;
};

/// For standard containers whose memory is part of a plan: the host's, or that of operator new.
template <typename T>
class PlannedMemory {
 public:
  using value_type = T;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;

  PlannedMemory(AllocatorPtr allocator = nullptr) noexcept  // NOLINT: converts, as allocators do
      : allocator_(std::move(allocator)) {}
  // No moves: a container that was moved from keeps its allocator.
  PlannedMemory(const PlannedMemory& other) noexcept = default;
  PlannedMemory& operator=(const PlannedMemory& other) noexcept = default;
  ~PlannedMemory() = default;
  template <typename U>
  PlannedMemory(const PlannedMemory<U>& other) noexcept  // NOLINT: converts, as allocators do
      : allocator_(other.host()) {}

  T* allocate(std::size_t count) {
    return allocator_ != nullptr ? static_cast<T*>(host_memory(*allocator_, count * sizeof(T)))
                                 : std::allocator<T>().allocate(count);
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    if (allocator_ != nullptr)
      allocator_->deallocate(memory, count * sizeof(T), kBufferAlignment);
    else
      std::allocator<T>().deallocate(memory, count);
  }
  const AllocatorPtr& host() const { return allocator_; }
  bool operator==(const PlannedMemory& other) const { return allocator_ == other.allocator_; }

 private:
  AllocatorPtr allocator_;
};

/// Cuts one Buffer into typed arrays, aligned to kBufferAlignment. Run it once without memory to
/// learn the size (a plan), and again with memory to get the pointers: the same code states the
/// plan and carves the arena, so the two cannot differ.
class Carver {
 public:
  Carver() = default;
  explicit Carver(std::byte* base) : base_(base) {}

  /// `count` elements of T; an empty span while planning.
  template <typename T>
  std::span<T> take(std::uint64_t count) {
    used_bytes_ = (used_bytes_ + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
    T* pointer = base_ != nullptr ? reinterpret_cast<T*>(base_ + used_bytes_) : nullptr;
    used_bytes_ += count * sizeof(T);
    return pointer != nullptr ? std::span<T>(pointer, count) : std::span<T>();
  }

  std::uint64_t used_bytes() const { return used_bytes_; }

 private:
  std::byte* base_ = nullptr;
  std::uint64_t used_bytes_ = 0;
};

}  // namespace gemma4
