// Large aligned memory, taken from the operating system once and given back once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace gemma4 {

/// Zero-filled memory aligned to at least 64 bytes. Pages are committed when first touched, so a
/// buffer may be reserved for the largest case and cost only what is used. Throws
/// Error(out_of_memory).
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::uint64_t size_bytes);
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  ~Buffer();

  /// Gives the memory of the system's pages that lie wholly inside this part of the buffer back;
  /// what it holds afterwards is undefined. A refusal is harmless.
  void discard(std::byte* begin, std::uint64_t size_bytes) const noexcept;

  std::byte* data() const { return data_; }
  std::uint64_t size_bytes() const { return size_bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::uint64_t size_bytes_ = 0;
};

/// Cuts one Buffer into typed, 64-byte aligned arrays. Run it once without memory to learn the size
/// (a plan), and again with memory to get the pointers: the same code states the plan and carves
/// the arena, so the two cannot differ.
class Carver {
 public:
  Carver() = default;
  explicit Carver(std::byte* base) : base_(base) {}

  /// `count` elements of T; an empty span while planning.
  template <typename T>
  std::span<T> take(std::uint64_t count) {
    used_bytes_ = (used_bytes_ + 63) / 64 * 64;
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
