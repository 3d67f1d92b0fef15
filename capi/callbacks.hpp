// The caller's functions as objects of the C++ interface.
#pragma once

#include <memory>
#include <utility>

#include "boundary.hpp"
#include "gemma4/allocator.hpp"
#include "gemma4/drafter.hpp"
#include "gemma4/executor.hpp"

namespace gemma4::capi {

/// Calls the caller's release function once, at its end.
class Release {
 public:
  Release(void (*release)(void* user), void* user) : release_(release), user_(user) {}
  Release(Release&& other) noexcept
      : release_(std::exchange(other.release_, nullptr)), user_(other.user_) {}
  Release& operator=(Release&&) = delete;
  ~Release() {
    if (release_ != nullptr) release_(user_);
  }

 private:
  void (*release_)(void* user);
  void* user_;
};

/// Runs the workers on the host's threads.
class CallbackExecutor final : public Executor {
 public:
  CallbackExecutor(const gemma4_executor& functions, Release release)
      : functions_(functions), release_(std::move(release)) {}

  int concurrency() const noexcept override { return functions_.concurrency; }
  void parallel_for(int count, void (*call)(void* context, int index),
                    void* context) noexcept override {
    static_assert(std::is_same_v<int, std::int32_t>);
    functions_.parallel_for(functions_.user, count, call, context);
  }

 private:
  gemma4_executor functions_;
  Release release_;
};

/// Takes the host's memory.
class CallbackAllocator final : public Allocator {
 public:
  CallbackAllocator(const gemma4_allocator& functions, Release release)
      : functions_(functions), release_(std::move(release)) {}

  void* allocate(std::uint64_t size_bytes, std::uint64_t alignment_bytes) noexcept override {
    return functions_.allocate(functions_.user, size_bytes, alignment_bytes);
  }
  void deallocate(void* memory, std::uint64_t size_bytes,
                  std::uint64_t alignment_bytes) noexcept override {
    functions_.deallocate(functions_.user, memory, size_bytes, alignment_bytes);
  }

 private:
  gemma4_allocator functions_;
  Release release_;
};

/// Asks the caller for drafts; may stand around the session's own drafter.
class CallbackDrafter final : public Drafter {
 public:
  CallbackDrafter(const gemma4_drafter& functions, Release release)
      : functions_(functions), release_(std::move(release)) {}

  void stand_around(std::shared_ptr<Drafter> own) { own_ = std::move(own); }

  void propose(const DraftRequest& request, DraftSink& draft) override;
  void verified(const DraftVerdict& verdict) override;
  void rewound(std::uint32_t position) override;

 private:
  gemma4_drafter functions_;
  Release release_;
  std::shared_ptr<Drafter> own_;
};

/// What the library calls while a model lives; null: nothing of the host's.
struct HostParts {
  std::shared_ptr<Executor> executor;
  std::shared_ptr<Allocator> allocator;
};

/// What stands behind structs of the caller's, which may be null. Throws Error(invalid_argument)
/// for one that cannot be used, and releases neither then; any other failure releases both.
HostParts host_parts_of(const gemma4_executor* executor, const gemma4_allocator* allocator);

/// The drafter behind a struct of the caller's, which check_drafter() has accepted.
std::shared_ptr<CallbackDrafter> drafter_of(const gemma4_drafter& functions);

/// Reads the struct. Throws Error(invalid_argument).
gemma4_drafter check_drafter(const gemma4_drafter& functions);

}  // namespace gemma4::capi
