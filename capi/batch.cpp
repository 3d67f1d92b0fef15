// Several sessions in one pass.
#include "facts.hpp"
#include "options.hpp"
#include "turn.hpp"

using gemma4::capi::destroy;
using gemma4::capi::give;
using gemma4::capi::guarded;
using gemma4::capi::handle_of;
using gemma4::capi::is_handle;
using gemma4::capi::Turn;

namespace {

gemma4::BatchOptions batch_options_of(const gemma4_batch_options* options) {
  const gemma4_batch_options known = gemma4::capi::options_of(options, "gemma4_batch_options");
  gemma4::BatchOptions result;
  result.rows = known.rows;
  result.context_tokens = known.context_tokens;
  return result;
}

/// The turns of all sessions of a pass.
class Turns {
 public:
  explicit Turns(std::span<gemma4_session* const> sessions) : sessions_(sessions) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;
  ~Turns() {
    while (taken_ > 0) sessions_[--taken_]->busy.store(false, std::memory_order_release);
  }

  /// Takes the next one.
  gemma4_session& take() {
    gemma4_session& next = handle_of(sessions_[taken_], "session");
    if (next.busy.exchange(true, std::memory_order_acquire)) refuse(next);
    ++taken_;
    return next;
  }

 private:
  [[noreturn]] void refuse(const gemma4_session& session) const {
    for (std::size_t i = 0; i < taken_; ++i) {
      if (sessions_[i] == &session) {
        gemma4::fail(
            gemma4::ErrorCode::invalid_argument,
            gemma4::format_text("sessions: expected each once, found %zu and %zu to be the same", i,
                                taken_));
      }
    }
    gemma4::fail(
        gemma4::ErrorCode::invalid_argument,
        gemma4::format_text("sessions: expected one call at a time, found another one in progress "
                            "in session %zu",
                            taken_));
  }

  std::span<gemma4_session* const> sessions_;
  std::size_t taken_ = 0;
};

}  // namespace

gemma4_status gemma4_batch_create(const gemma4_model* model, const gemma4_batch_options* options,
                                  gemma4_batch** out, gemma4_error* error) {
  return gemma4::capi::created(out, error, [&] {
    return new gemma4_batch(handle_of(model, "model").model, batch_options_of(options));
  });
}

void gemma4_batch_destroy(gemma4_batch* batch) { destroy(batch); }

gemma4_status gemma4_batch_plan(const gemma4_model* model, const gemma4_batch_options* options,
                                gemma4_memory_plan* out, gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::facts_of(
             gemma4::Batch::plan(handle_of(model, "model").model, batch_options_of(options))),
         out, "gemma4_memory_plan");
  });
}

gemma4_status gemma4_batch_evaluate(gemma4_batch* batch, gemma4_session* const* sessions,
                                    size_t count, gemma4_error* error) {
  return guarded(error, [&] {
    gemma4_batch& known = handle_of(batch, "batch");
    const Turn turn(known.busy, "batch");
    const auto all = gemma4::capi::array_of(sessions, count, "sessions");
    Turns turns(all);
    known.sessions.clear();
    known.sessions.reserve(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) known.sessions.push_back(&turns.take().session);
    known.batch.evaluate(known.sessions);
  });
}

void gemma4_batch_cancel(const gemma4_batch* batch) {
  if (is_handle(batch)) batch->batch.cancel();
}
