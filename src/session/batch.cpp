#include "gemma4/batch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <new>
#include <vector>

#include "base/error.hpp"
#include "session/session_impl.hpp"

namespace gemma4 {
namespace {

constexpr std::uint32_t kDefaultRows = 32, kLeastRows = kLogitRows, kMostRows = 256;

BatchOptions settled(const BatchOptions& options, const ModelConfig& config) {
  BatchOptions s = options;
  if (s.rows == 0) s.rows = kDefaultRows;
  if (s.rows < kLeastRows || s.rows > kMostRows) {
    fail(ErrorCode::invalid_argument,
         format_text("rows: expected 0 or %u ... %u, found %u", kLeastRows, kMostRows, s.rows));
  }
  SessionOptions session;
  session.context_tokens = s.context_tokens;
  s.context_tokens = settled(session, config, false).context_tokens;
  return s;
}

WorkspaceShape shape_of(const BatchOptions& settled_options, int threads) {
  return {.batch = settled_options.rows,
          .context = settled_options.context_tokens,
          .threads = static_cast<std::uint32_t>(threads),
          .logit_rows = settled_options.rows};
}

}  // namespace

class Batch::Impl {
 public:
  Impl(const Model& model, const BatchOptions& options)
      : model_(model),
        network_(*model.impl()->network),
        options_(settled(options, network_.config)),
        work_(network_.config, shape_of(options_, model.threads()), model.impl()->allocator),
        forward_(network_, *model.impl()->pool, work_) {
    // longer batches would be computed by other means than a session's own steps
    if (network_.onednn != nullptr) options_.rows = std::min(options_.rows, kGemmMinRows - 1);
    members_.reserve(options_.rows);
    sequences_.reserve(options_.rows);
  }

  void check(std::span<Session* const> sessions) const {
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      const auto refuse = [i](const std::string& what) {
        fail(ErrorCode::invalid_argument, format_text("session %zu: expected ", i) + what);
      };
      const Session* session = sessions[i];
      if (session == nullptr) refuse("a session, found a null pointer");
      if (std::find(sessions.begin(), sessions.begin() + static_cast<std::ptrdiff_t>(i), session) !=
          sessions.begin() + static_cast<std::ptrdiff_t>(i))
        refuse("every session once, found one again");
      if (session->model().impl() != model_.impl())
        refuse("a session of the batch's model, found one of another");
      if (session->context_tokens() > options_.context_tokens) {
        refuse(format_text("a context of at most %u tokens (BatchOptions), found %u",
                           options_.context_tokens, session->context_tokens()));
      }
      if (session->position() == 0) refuse("at least one token in the context, found none");
    }
  }

  void evaluate(std::span<Session* const> sessions) {
    check(sessions);
    cancel_.store(false, std::memory_order_relaxed);
    while (!sessions.empty()) sessions = sessions.subspan(gather_and_pass(sessions));
  }

  void cancel() noexcept { cancel_.store(true, std::memory_order_relaxed); }

 private:
  struct Member {
    Session::Impl* session;
    std::uint32_t row;  // its first one in the pass
  };

  /// Takes sessions until the next one's rows might not fit. Returns how many.
  std::size_t gather_and_pass(std::span<Session* const> sessions) {
    members_.clear();
    sequences_.clear();
    std::uint32_t rows = 0;
    std::size_t taken = 0;
    for (; taken < sessions.size(); ++taken) {
      Session::Impl& session = *sessions[taken]->impl_;
      if (rows + session.most_rows() > options_.rows) break;
      if (cancel_.load(std::memory_order_relaxed)) throw_cancelled();
      const std::optional<Sequence> sequence = session.begin_shared();
      if (!sequence) continue;
      members_.push_back({&session, rows});
      sequences_.push_back(*sequence);
      rows += static_cast<std::uint32_t>(sequence->tokens.size());
    }
    if (rows > 0) pass(rows);
    return taken;
  }

  void pass(std::uint32_t rows) {
    const auto begin = std::chrono::steady_clock::now();
    if (!forward_.run(sequences_, &cancel_) || !forward_.logits(0, rows, &cancel_))
      throw_cancelled();
    const auto ns = static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
    for (const Member& member : members_) member.session->end_shared(forward_, member.row, ns);
  }

  [[noreturn]] static void throw_cancelled() {
    fail(ErrorCode::cancelled, "the batch's work was cancelled");
  }

  Model model_;
  const Network& network_;
  BatchOptions options_;
  Workspace work_;
  Forward forward_;
  std::vector<Member> members_;
  std::vector<Sequence> sequences_;
  std::atomic<bool> cancel_{false};
};

Batch::Batch(const Model& model, const BatchOptions& options) {
  try {
    impl_ = std::make_unique<Impl>(model, options);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "the system gave no memory for the batch");
  }
}
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;
Batch::~Batch() = default;

MemoryPlan Batch::plan(const Model& model, const BatchOptions& options) {
  const ModelConfig& config = model.impl()->network->config;
  MemoryPlan plan;
  plan.workspace_bytes =
      Workspace::bytes(config, shape_of(settled(options, config), model.threads()));
  return plan;
}

void Batch::evaluate(std::span<Session* const> sessions) { impl_->evaluate(sessions); }
void Batch::cancel() noexcept { impl_->cancel(); }

}  // namespace gemma4
