// One call into a session, or a batch, at a time.
#pragma once

#include <atomic>

#include "handles.hpp"

namespace gemma4::capi {

/// A second call, from another thread or from a callback, is refused.
class Turn {
 public:
  Turn(std::atomic<bool>& busy, const char* name) : busy_(busy) {
    if (busy_.exchange(true, std::memory_order_acquire)) {
      fail(ErrorCode::invalid_argument,
           format_text("%s: expected one call at a time, found another one in progress", name));
    }
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { busy_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool>& busy_;
};

/// Runs the body of a function that uses a session.
template <class Work>
gemma4_status with_session(gemma4_session* session, gemma4_error* error,
                           const Work& work) noexcept {
  return guarded(error, [&] {
    gemma4_session& known = handle_of(session, "session");
    const Turn turn(known.busy, "session");
    work(known);
  });
}

}  // namespace gemma4::capi
