// Sessions that are copied, saved and restored.
#include "options.hpp"
#include "turn.hpp"

using gemma4::capi::check_pointer;
using gemma4::capi::handle_of;
using gemma4::capi::path_of;
using gemma4::capi::with_session;

namespace {

/// Makes a session out of a snapshot: restore(model, options, stop).
template <class Restore>
gemma4_status restored(const gemma4_model* model, const gemma4_session_options* options,
                       const gemma4_canceller* canceller, gemma4_session** out, gemma4_error* error,
                       const Restore& restore) {
  return gemma4::capi::created(
      out, error, [&] { return gemma4::capi::session_options_of(options); },
      [&](const gemma4::SessionOptions& known) {
        return new gemma4_session(restore(handle_of(model, "model").model, known,
                                          gemma4::capi::stop_token_of(canceller)));
      });
}

}  // namespace

gemma4_status gemma4_session_fork(gemma4_session* session, gemma4_session** out,
                                  gemma4_error* error) {
  if (out != nullptr) *out = nullptr;
  return with_session(session, error, [&](gemma4_session& known) {
    check_pointer(out, "out");
    *out = new gemma4_session(known.session.fork());
  });
}

gemma4_status gemma4_session_save(gemma4_session* session, const char* path, size_t path_bytes,
                                  gemma4_error* error) {
  return with_session(session, error, [&](gemma4_session& known) {
    known.session.save(path_of(path, path_bytes, "path"));
  });
}

gemma4_status gemma4_session_save_to(gemma4_session* session, gemma4_write write, void* user,
                                     gemma4_error* error) {
  return with_session(session, error, [&](gemma4_session& known) {
    check_pointer(reinterpret_cast<const void*>(write), "write");
    known.session.save([&](std::span<const std::byte> bytes) {
      return write(user, bytes.data(), bytes.size()) == 0;
    });
  });
}

gemma4_status gemma4_session_restore(const gemma4_model* model, const char* path, size_t path_bytes,
                                     const gemma4_session_options* options,
                                     const gemma4_canceller* canceller, gemma4_session** out,
                                     gemma4_error* error) {
  return restored(model, options, canceller, out, error,
                  [&](const gemma4::Model& known, const gemma4::SessionOptions& made,
                      const std::stop_token& stop) {
                    return gemma4::Session::restore(known, path_of(path, path_bytes, "path"), made,
                                                    stop);
                  });
}

gemma4_status gemma4_session_restore_from(const gemma4_model* model, gemma4_read read, void* user,
                                          const gemma4_session_options* options,
                                          const gemma4_canceller* canceller, gemma4_session** out,
                                          gemma4_error* error) {
  return restored(model, options, canceller, out, error,
                  [&](const gemma4::Model& known, const gemma4::SessionOptions& made,
                      const std::stop_token& stop) {
                    check_pointer(reinterpret_cast<const void*>(read), "read");
                    const auto checked = [&](std::span<std::byte> bytes) {
                      const std::size_t given = read(user, bytes.data(), bytes.size());
                      if (given > bytes.size()) {
                        gemma4::fail(
                            gemma4::ErrorCode::invalid_argument,
                            gemma4::format_text("read: expected at most %zu bytes, found %zu given",
                                                bytes.size(), given));
                      }
                      return given;
                    };
                    return gemma4::Session::restore(known, checked, made, stop);
                  });
}
