// The host's own memory instead of the operating system's.
#pragma once

#include <cstdint>

namespace gemma4 {

/// Implemented by a host that wants to place, count or limit the large memory itself. Everything
/// that a MemoryPlan counts is asked of it, to the byte: weights and tables when a model is loaded,
/// KV cache (page by page) and workspace when a session or a batch is made, and pages of the prefix
/// cache as it keeps them. All is given back with what it was asked for. Not asked for: the weights
/// of a packed file, which are mapped, and small objects (vocabulary, file headers, handles), which
/// come from operator new. Results are the same bits with any allocator.
class Allocator {
 public:
  virtual ~Allocator() = default;

  /// `size_bytes` (at least 1) aligned to `alignment_bytes` (a power of two: 64 in this version),
  /// or null: the call that needed it ends with Error(out_of_memory) and leaves everything as it
  /// was. What the memory holds does not matter; the library clears what must be zero. Called on
  /// the threads that call the library, from several at a time; never while tokens are generated,
  /// but for the pages of the prefix cache. Must not call the library.
  virtual void* allocate(std::uint64_t size_bytes, std::uint64_t alignment_bytes) noexcept = 0;

  /// Gives back what allocate() gave, with the same numbers: each block once, on any thread, the
  /// last ones when the model and its last session are gone.
  virtual void deallocate(void* memory, std::uint64_t size_bytes,
                          std::uint64_t alignment_bytes) noexcept = 0;
};

}  // namespace gemma4
