#include "callbacks.hpp"

#include <exception>
#include <type_traits>

#include "facts.hpp"
#include "handles.hpp"

/// The draft being made, during CallbackDrafter::propose().
struct gemma4_draft : gemma4::capi::Tagged<gemma4::capi::Kind::draft> {
  const gemma4::DraftRequest& request;
  gemma4::DraftSink& sink;
  gemma4::Drafter* own;       // not asked yet; or null
  std::exception_ptr failed;  // waits for the caller's function to return: it may not pass through
};

namespace gemma4::capi {
namespace {

/// Keeps the beginning of a draft.
class ArraySink final : public DraftSink {
 public:
  ArraySink(gemma4_token* tokens, float* confidences, std::uint32_t capacity)
      : tokens_(tokens), confidences_(confidences), capacity_(capacity) {}

  bool add(Token token, float confidence) override {
    if (count_ == capacity_) return false;
    if (confidences_ != nullptr) confidences_[count_] = confidence;
    tokens_[count_++] = token;
    return count_ < capacity_;
  }
  std::uint32_t count() const { return count_; }

 private:
  gemma4_token* tokens_;
  float* confidences_;
  std::uint32_t capacity_, count_ = 0;
};

gemma4_executor check_executor(const gemma4_executor& functions) {
  const gemma4_executor known = options_of(&functions, "gemma4_executor");
  check_pointer(reinterpret_cast<const void*>(known.parallel_for), "executor.parallel_for");
  constexpr std::int32_t kMost = 1024;
  if (known.concurrency < 1 || known.concurrency > kMost) {
    fail(
        ErrorCode::invalid_argument,
        format_text("executor.concurrency: expected 1 ... %d, found %d", kMost, known.concurrency));
  }
  check_range(known.reserved, 0, "executor.reserved");
  return known;
}

gemma4_allocator check_allocator(const gemma4_allocator& functions) {
  const gemma4_allocator known = options_of(&functions, "gemma4_allocator");
  check_pointer(reinterpret_cast<const void*>(known.allocate), "allocator.allocate");
  check_pointer(reinterpret_cast<const void*>(known.deallocate), "allocator.deallocate");
  return known;
}

}  // namespace

void CallbackDrafter::propose(const DraftRequest& request, DraftSink& draft) {
  const gemma4_sampling sampling = facts_of(request.sampling);
  const gemma4_draft_request asked{sizeof asked,          request.tokens.data(),
                                   request.tokens.size(), request.sampling.temperature,
                                   request.most,          &sampling};
  gemma4_draft made{{}, request, draft, own_.get(), {}};
  const bool stopped = functions_.propose(functions_.user, &asked, &made) != 0;
  if (made.failed) std::rethrow_exception(made.failed);
  if (stopped) fail(ErrorCode::cancelled, "the drafter stopped the session's work");
}

void CallbackDrafter::verified(const DraftVerdict& verdict) {
  if (own_ != nullptr) own_->verified(verdict);
  if (functions_.verified == nullptr) return;
  functions_.verified(functions_.user, verdict.draft.data(),
                      static_cast<std::uint32_t>(verdict.draft.size()), verdict.accepted,
                      verdict.rejected ? 1 : 0);
}

void CallbackDrafter::rewound(std::uint32_t position) {
  if (own_ != nullptr) own_->rewound(position);
  if (functions_.rewound != nullptr) functions_.rewound(functions_.user, position);
}

HostParts host_parts_of(const gemma4_executor* executor, const gemma4_allocator* allocator) {
  const gemma4_executor threads =
      executor != nullptr ? check_executor(*executor) : gemma4_executor{};
  const gemma4_allocator memory =
      allocator != nullptr ? check_allocator(*allocator) : gemma4_allocator{};
  Release threads_release(threads.release, threads.user);
  Release memory_release(memory.release, memory.user);
  HostParts parts;
  if (executor != nullptr)
    parts.executor = std::make_shared<CallbackExecutor>(threads, std::move(threads_release));
  if (allocator != nullptr)
    parts.allocator = std::make_shared<CallbackAllocator>(memory, std::move(memory_release));
  return parts;
}

gemma4_drafter check_drafter(const gemma4_drafter& functions) {
  const gemma4_drafter known = options_of(&functions, "gemma4_drafter");
  check_pointer(reinterpret_cast<const void*>(known.propose), "drafter_functions.propose");
  return known;
}

std::shared_ptr<CallbackDrafter> drafter_of(const gemma4_drafter& functions) {
  Release release(functions.release, functions.user);
  return std::make_shared<CallbackDrafter>(functions, std::move(release));
}

}  // namespace gemma4::capi

int32_t gemma4_draft_add(gemma4_draft* draft, gemma4_token token, float confidence) {
  return gemma4::capi::is_handle(draft) && draft->sink.add(token, confidence) ? 1 : 0;
}

uint32_t gemma4_draft_ask_own(gemma4_draft* draft, gemma4_token* tokens, float* confidences,
                              uint32_t capacity) {
  if (!gemma4::capi::is_handle(draft) || draft->own == nullptr || tokens == nullptr ||
      capacity == 0)
    return 0;
  gemma4::capi::ArraySink sink(tokens, confidences, capacity);
  try {
    std::exchange(draft->own, nullptr)->propose(draft->request, sink);
  } catch (...) {
    draft->failed = std::current_exception();
    return 0;
  }
  return sink.count();
}
