// What the opaque handles are.
#pragma once

#include <atomic>
#include <optional>
#include <stop_token>
#include <vector>

#include "boundary.hpp"
#include "gemma4/gemma4.hpp"

namespace gemma4::capi {

/// First in every handle, so that one of another kind is noticed.
enum class Kind : std::uint32_t {
  canceller = 0x47344301,
  model,
  inspection,
  tokenizer,
  chat,
  session,
  batch,
  draft,
};

template <Kind kKind>
struct Tagged {
  const Kind kind = kKind;
  static constexpr Kind kExpected = kKind;
};

/// Whether a handle is there and of the kind it should be.
template <class Handle>
bool is_handle(const Handle* handle) noexcept {
  return handle != nullptr && handle->kind == Handle::kExpected;
}

/// Frees a handle; leaves null, and handles of another kind, alone: whose they are is unknown.
template <class Handle>
void destroy(Handle* handle) noexcept {
  if (is_handle(handle)) delete handle;
}

/// The handle behind a pointer. Throws Error(invalid_argument) for null and for another kind.
template <class Handle>
Handle& handle_of(Handle* handle, const char* name) {
  check_pointer(handle, name);
  if (!is_handle(handle)) {
    fail(ErrorCode::invalid_argument,
         format_text("%s: expected a gemma4_%s, found another kind of handle", name, name));
  }
  return *handle;
}

/// Runs the body of a function that makes a handle: take() reads the options, and with them what
/// the caller wants released in any case; make(options) returns the handle, which the caller gets.
template <class Handle, class Take, class Make>
gemma4_status created(Handle** out, gemma4_error* error, const Take& take,
                      const Make& make) noexcept {
  if (out != nullptr) *out = nullptr;
  return guarded(error, [&] {
    const auto options = take();
    check_pointer(out, "out");
    *out = make(options);
  });
}

/// The same without options to release.
template <class Handle, class Make>
gemma4_status created(Handle** out, gemma4_error* error, const Make& make) noexcept {
  return created(
      out, error, [] { return 0; }, [&](int) { return make(); });
}

}  // namespace gemma4::capi

struct gemma4_canceller : gemma4::capi::Tagged<gemma4::capi::Kind::canceller> {
  mutable std::stop_source source;
};

struct gemma4_model : gemma4::capi::Tagged<gemma4::capi::Kind::model> {
  explicit gemma4_model(gemma4::Model loaded) : model(std::move(loaded)) {}
  gemma4::Model model;
};

struct gemma4_inspection : gemma4::capi::Tagged<gemma4::capi::Kind::inspection> {
  explicit gemma4_inspection(gemma4::Inspection made) : inspection(std::move(made)) {}
  gemma4::Inspection inspection;
};

struct gemma4_tokenizer : gemma4::capi::Tagged<gemma4::capi::Kind::tokenizer> {
  explicit gemma4_tokenizer(gemma4::Tokenizer loaded) : tokenizer(std::move(loaded)) {}
  gemma4::Tokenizer tokenizer;
};

struct gemma4_chat : gemma4::capi::Tagged<gemma4::capi::Kind::chat> {
  gemma4::Chat chat;
};

struct gemma4_session : gemma4::capi::Tagged<gemma4::capi::Kind::session> {
  explicit gemma4_session(gemma4::Session made) : session(std::move(made)) {}
  std::atomic<bool> busy{false};  // a call is inside
  mutable gemma4::Session session;
  std::optional<gemma4::Generation> generation;
  gemma4::SamplingOptions sampling;  // of decode_step, kept for its memory
};

struct gemma4_batch : gemma4::capi::Tagged<gemma4::capi::Kind::batch> {
  gemma4_batch(const gemma4::Model& model, const gemma4::BatchOptions& options)
      : batch(model, options) {}
  std::atomic<bool> busy{false};  // a call is inside
  mutable gemma4::Batch batch;
  std::vector<gemma4::Session*> sessions;  // of the call in progress, kept for its memory
};
