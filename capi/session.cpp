#include <algorithm>

#include "options.hpp"
#include "turn.hpp"

using gemma4::capi::array_of;
using gemma4::capi::check_pointer;
using gemma4::capi::check_range;
using gemma4::capi::destroy;
using gemma4::capi::give;
using gemma4::capi::handle_of;
using gemma4::capi::is_handle;
using gemma4::capi::text_of;
using gemma4::capi::with_session;

namespace {

/// The same for one that changes the context: a generation that runs is over.
template <class Work>
gemma4_status with_context(gemma4_session* session, gemma4_error* error,
                           const Work& work) noexcept {
  return with_session(session, error, [&](gemma4_session& known) {
    known.generation.reset();
    work(known.session);
  });
}

[[noreturn]] void stopped_by_callback() {
  gemma4::fail(gemma4::ErrorCode::cancelled, "the session's work was stopped by a callback");
}

gemma4_event event_of(const gemma4::Event* event) {
  gemma4_event result{};
  result.text = result.tool_name = gemma4::capi::view_of({});
  if (event == nullptr) return result;
  result.kind = static_cast<int32_t>(event->kind);
  result.finish_reason = static_cast<int32_t>(event->reason);
  result.text = gemma4::capi::view_of(event->text);
  result.tool_name = gemma4::capi::view_of(event->tool_name);
  return result;
}

void start(gemma4_session& session, const gemma4_generate_options* options) {
  session.generation.reset();
  session.generation.emplace(session.session.generate(gemma4::capi::generate_options_of(options)));
}

}  // namespace

gemma4_status gemma4_session_create(const gemma4_model* model,
                                    const gemma4_session_options* options, gemma4_session** out,
                                    gemma4_error* error) {
  return gemma4::capi::created(
      out, error, [&] { return gemma4::capi::session_options_of(options); },
      [&](const gemma4::SessionOptions& known) {
        return new gemma4_session(gemma4::Session(handle_of(model, "model").model, known));
      });
}

void gemma4_session_destroy(gemma4_session* session) { destroy(session); }

gemma4_status gemma4_session_append_chat(gemma4_session* session, const gemma4_chat* chat,
                                         gemma4_error* error) {
  return with_context(session, error,
                      [&](gemma4::Session& known) { known.append(handle_of(chat, "chat").chat); });
}

gemma4_status gemma4_session_append_message(gemma4_session* session, const char* role,
                                            size_t role_bytes, const char* content,
                                            size_t content_bytes, gemma4_error* error) {
  return with_context(session, error, [&](gemma4::Session& known) {
    gemma4::Message message;
    message.role = text_of(role, role_bytes, "role");
    message.content = text_of(content, content_bytes, "content");
    known.append(gemma4::Chat{}.add(std::move(message)));
  });
}

gemma4_status gemma4_session_append_text(gemma4_session* session, const char* text,
                                         size_t text_bytes, int32_t special, gemma4_error* error) {
  return with_context(session, error, [&](gemma4::Session& known) {
    check_range(special, GEMMA4_SPECIAL_NONE, "special");
    known.append_text(text_of(text, text_bytes, "text"),
                      static_cast<gemma4::SpecialTokens>(special));
  });
}

gemma4_status gemma4_session_append_tokens(gemma4_session* session, const gemma4_token* tokens,
                                           size_t count, gemma4_error* error) {
  return with_context(session, error, [&](gemma4::Session& known) {
    known.append_tokens(array_of(tokens, count, "tokens"));
  });
}

gemma4_status gemma4_session_generate(gemma4_session* session,
                                      const gemma4_generate_options* options, gemma4_error* error) {
  return with_session(session, error, [&](gemma4_session& known) { start(known, options); });
}

gemma4_status gemma4_session_next(gemma4_session* session, gemma4_event* event,
                                  gemma4_error* error) {
  return with_session(session, error, [&](gemma4_session& known) {
    give(event_of(nullptr), event, "gemma4_event");  // refuses it before anything is computed
    if (known.generation) give(event_of(known.generation->next()), event, "gemma4_event");
  });
}

gemma4_status gemma4_session_next_ready(gemma4_session* session, gemma4_event* event,
                                        gemma4_error* error) {
  return with_session(session, error, [&](gemma4_session& known) {
    gemma4_event piece = event_of(nullptr);
    give(piece, event, "gemma4_event");  // refuses it before the answer goes on
    if (!known.generation) return;
    if (const gemma4::Event* ready = known.generation->next_ready()) {
      piece = event_of(ready);
    } else if (!known.generation->ended()) {
      piece.kind = GEMMA4_EVENT_WAITING;
    }
    give(piece, event, "gemma4_event");
  });
}

gemma4_status gemma4_session_stop(gemma4_session* session, gemma4_error* error) {
  return with_context(session, error, [](gemma4::Session&) {});
}

gemma4_status gemma4_session_stream(gemma4_session* session, const gemma4_generate_options* options,
                                    gemma4_on_event on_event, void* user, int32_t* finish_reason,
                                    gemma4_error* error) {
  if (finish_reason != nullptr) *finish_reason = GEMMA4_FINISH_NONE;
  return with_session(session, error, [&](gemma4_session& known) {
    check_pointer(reinterpret_cast<const void*>(on_event), "on_event");
    start(known, options);
    int32_t reason = GEMMA4_FINISH_CANCELLED;
    while (const gemma4::Event* event = known.generation->next()) {
      gemma4_event piece = event_of(event);
      piece.struct_size = sizeof piece;
      if (on_event(user, &piece) != 0) break;
      if (event->kind == gemma4::Event::Kind::end) reason = piece.finish_reason;
    }
    known.generation.reset();
    if (finish_reason != nullptr) *finish_reason = reason;
  });
}

gemma4_status gemma4_session_prefill(gemma4_session* session, gemma4_on_tokens on_tokens,
                                     void* user, gemma4_error* error) {
  return with_context(session, error, [&](gemma4::Session& known) {
    if (on_tokens == nullptr) return known.prefill();
    known.prefill(
        [&](std::uint32_t done, std::uint32_t total) { return on_tokens(user, done, total) == 0; });
  });
}

gemma4_status gemma4_session_prefill_tokens(gemma4_session* session, const gemma4_token* tokens,
                                            size_t count, gemma4_on_logits on_logits, void* user,
                                            gemma4_error* error) {
  return with_context(session, error, [&](gemma4::Session& known) {
    check_pointer(reinterpret_cast<const void*>(on_logits), "on_logits");
    known.prefill_tokens(array_of(tokens, count, "tokens"), [&](std::uint32_t position,
                                                                std::span<const float> logits) {
      if (on_logits(user, position, logits.data(), static_cast<std::uint32_t>(logits.size())) != 0)
        stopped_by_callback();
    });
  });
}

gemma4_status gemma4_session_logits(gemma4_session* session, const float** logits, size_t* count,
                                    gemma4_error* error) {
  return with_context(session, error, [&](gemma4::Session& known) {
    check_pointer(logits, "logits");
    const std::span<const float> row = known.logits();
    *logits = row.data();
    if (count != nullptr) *count = row.size();
  });
}

gemma4_status gemma4_session_decode_step(gemma4_session* session, const gemma4_sampling* sampling,
                                         gemma4_token* token, gemma4_error* error) {
  return with_session(session, error, [&](gemma4_session& known) {
    known.generation.reset();
    check_pointer(token, "token");
    gemma4::capi::read_sampling(sampling, known.sampling);
    *token = known.session.decode_step(known.sampling);
  });
}

gemma4_status gemma4_session_rewind(gemma4_session* session, uint32_t position,
                                    gemma4_error* error) {
  return with_context(session, error, [&](gemma4::Session& known) { known.rewind(position); });
}

gemma4_status gemma4_session_earliest_rewind(gemma4_session* session, uint32_t* position,
                                             gemma4_error* error) {
  return with_session(session, error, [&](gemma4_session& known) {
    check_pointer(position, "position");
    *position = known.session.earliest_rewind();
  });
}

void gemma4_session_cancel(const gemma4_session* session) {
  if (is_handle(session)) session->session.cancel();
}

gemma4_status gemma4_session_tokens(gemma4_session* session, const gemma4_token** tokens,
                                    size_t* count, gemma4_error* error) {
  return with_session(session, error, [&](gemma4_session& known) {
    check_pointer(tokens, "tokens");
    check_pointer(count, "count");
    const std::span<const gemma4::Token> all = known.session.tokens();
    *tokens = all.data();
    *count = all.size();
  });
}

uint32_t gemma4_session_context_tokens(const gemma4_session* session) {
  return is_handle(session) ? session->session.context_tokens() : 0;
}

gemma4_status gemma4_session_statistics(gemma4_session* session, gemma4_statistics* out,
                                        gemma4_error* error) {
  return with_session(session, error, [&](gemma4_session& known) {
    const gemma4::Statistics done = known.session.statistics();
    gemma4_statistics facts{};
    facts.prefill_tokens = done.prefill_tokens;
    facts.prefill_ns = done.prefill_ns;
    facts.decode_tokens = done.decode_tokens;
    facts.decode_ns = done.decode_ns;
    facts.target_steps = done.target_steps;
    facts.drafted = done.drafted;
    facts.accepted = done.accepted;
    facts.draft_ns = done.draft_ns;
    facts.verify_ns = done.verify_ns;
    static_assert(std::tuple_size_v<decltype(done.depths)> <= std::size(decltype(facts.depths){}));
    std::copy(done.offered_at.begin(), done.offered_at.end(), facts.offered_at);
    std::copy(done.accepted_at.begin(), done.accepted_at.end(), facts.accepted_at);
    std::copy(done.depths.begin(), done.depths.end(), facts.depths);
    facts.prefill_tokens_per_second = done.prefill_tokens_per_second();
    facts.decode_tokens_per_second = done.decode_tokens_per_second();
    facts.tokens_per_target_step = done.tokens_per_target_step();
    facts.speedup_over_plain = done.speedup_over_plain();
    facts.reused_tokens = done.reused_tokens;
    facts.shifts = done.shifts;
    facts.dropped_tokens = done.dropped_tokens;
    facts.reprocessed_tokens = done.reprocessed_tokens;
    give(facts, out, "gemma4_statistics");
  });
}
