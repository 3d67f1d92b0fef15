// The public face of a session: handles and forwarding.
#include "gemma4/session.hpp"

#include "base/error.hpp"
#include "session/session_impl.hpp"

namespace gemma4 {

const char* finish_reason_name(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::none:
      return "none";
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::stop_text:
      return "stop_text";
    case FinishReason::tool_calls:
      return "tool_calls";
    case FinishReason::context_full:
      return "context_full";
    case FinishReason::cancelled:
      return "cancelled";
  }
  return "unknown";
}

Session::Session(const Model& model, const SessionOptions& options) {
  try {
    impl_ = std::make_unique<Impl>(model, options);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "the system gave no memory for the session");
  }
}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

void Session::append(const Chat& chat) { impl_->append(chat); }
void Session::append_text(std::string_view text, SpecialTokens special) {
  impl_->append_text(text, special);
}
void Session::append_tokens(std::span<const Token> tokens) { impl_->append_tokens(tokens); }

Generation Session::generate(const GenerateOptions& options) {
  impl_->clear_cancel();
  impl_->start(options);
  return Generation(impl_.get());
}

void Session::prefill(const std::function<bool(std::uint32_t, std::uint32_t)>& on_progress) {
  impl_->clear_cancel();
  impl_->prefill(on_progress);
}

void Session::prefill_tokens(
    std::span<const Token> tokens,
    const std::function<void(std::uint32_t, std::span<const float>)>& on_logits) {
  impl_->clear_cancel();
  impl_->prefill_tokens(tokens, on_logits);
}

std::span<const float> Session::logits() {
  impl_->clear_cancel();
  return impl_->logits();
}

Token Session::decode_step(const SamplingOptions& options) {
  impl_->clear_cancel();
  return impl_->decode_step(options);
}

std::uint32_t Session::rewind(std::uint32_t position) { return impl_->rewind(position); }
std::uint32_t Session::earliest_rewind() const { return impl_->earliest_rewind(); }
void Session::cancel() noexcept { impl_->cancel(); }

std::span<const Token> Session::tokens() const { return impl_->tokens(); }
std::uint32_t Session::position() const {
  return static_cast<std::uint32_t>(impl_->tokens().size());
}
std::uint32_t Session::context_tokens() const { return impl_->context_tokens(); }
Statistics Session::statistics() const { return impl_->statistics(); }
const Model& Session::model() const { return impl_->model(); }

Generation::Generation(Generation&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)), event_(other.event_) {}

Generation::~Generation() {
  if (session_ != nullptr) session_->stop_generating();
}

const Event* Generation::next() {
  return session_ != nullptr && session_->next(event_, true) ? &event_ : nullptr;
}

const Event* Generation::next_ready() {
  return session_ != nullptr && session_->next(event_, false) ? &event_ : nullptr;
}

bool Generation::ended() const { return session_ == nullptr || !session_->generating(); }

Generation::Iterator Generation::begin() { return next() != nullptr ? Iterator(this) : Iterator(); }

Generation::Iterator& Generation::Iterator::operator++() {
  if (generation_->next() == nullptr) generation_ = nullptr;
  return *this;
}

}  // namespace gemma4
