#include "session/session_impl.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "session/drafters.hpp"
#include "text/context_end.hpp"

namespace gemma4 {
namespace {

class Stopwatch {
 public:
  explicit Stopwatch(std::uint64_t& total_ns) : total_ns_(total_ns) {}
  ~Stopwatch() {
    total_ns_ += static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin_).count());
  }

 private:
  std::uint64_t& total_ns_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// A drafter of the caller's belongs to one session.
SessionOptions without_custom(SessionOptions options) {
  if (options.speculation.drafter == DrafterKind::custom) options.speculation = Speculation::off();
  return options;
}

SessionOptions within_budget(const SessionOptions& options, const Model& model) {
  const Model::Impl& impl = *model.impl();
  SessionOptions s = settled(options, impl.network->config, impl.assistant != nullptr);
  const MemoryPlan plan = impl.plan(s);
  if (s.memory_budget_bytes != 0 && plan.total_bytes() > s.memory_budget_bytes) {
    const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
    fail(ErrorCode::budget_exceeded,
         format_text("memory_budget_bytes: expected a plan of at most %llu bytes, found %llu "
                     "(weights %llu, assistant %llu, kv %llu for %u tokens, workspace %llu)",
                     number(s.memory_budget_bytes), number(plan.total_bytes()),
                     number(plan.weights_bytes), number(plan.assistant_bytes),
                     number(plan.kv_bytes), s.context_tokens, number(plan.workspace_bytes)));
  }
  return s;
}

}  // namespace

Session::Impl::Impl(const Model& model, const SessionOptions& options)
    : model_(model),
      options_(within_budget(options, model)),
      network_(*model.impl()->network),
      work_(network_.config, workspace_shape(options_, model.impl()->pool->threads()),
            model.impl()->allocator),
      cache_(network_.config, options_.kv, options_.context_tokens,
             workspace_shape(options_, 1).batch, model.impl()->pages(options_.kv)),
      forward_(network_, *model.impl()->pool, work_),
      sampler_(static_cast<std::int32_t>(network_.config.vocabulary), model.impl()->allocator),
      raw_parser_(model.tokenizer().impl(), true),
      chat_parser_(model.tokenizer().impl(), false),
      tokens_(model.impl()->allocator),
      target_{&cache_, {}},
      speculator_(make_drafter(options_, *model.impl(), target_, cancel_),
                  options_.speculation.depth, network_.config.vocabulary, statistics_) {
  tokens_.reserve(options_.context_tokens);
}

Session::Impl::Impl(Impl& parent) : Impl(parent.model_, without_custom(parent.options_)) {
  parent.refuse_while_generating("fork");
  tokens_.assign(parent.tokens_.begin(), parent.tokens_.end());
  for (std::uint32_t chunk = 0; chunk < divide_up(parent.evaluated_, kChunk); ++chunk)
    cache_.adopt(chunk, parent.cache_.pages(chunk));
  evaluated_ = parent.evaluated_;
  chat_ = parent.chat_;
  const SnapshotParts row = parent.parts();
  if (row.logits.empty()) return;
  forward_.set_row(0, row.logits, row.hidden);
  logits_end_ = evaluated_;
}

Session::Impl::Impl(const Model& model, const SessionOptions& options, SnapshotReader& snapshot)
    : Impl(model, options) {
  if (snapshot.tokens() > options_.context_tokens) {
    fail(ErrorCode::invalid_argument,
         format_text("context_tokens: expected at least %u (the snapshot's tokens), found %u",
                     snapshot.tokens(), options_.context_tokens));
  }
  tokens_.resize(snapshot.tokens());
  snapshot.read_tokens(tokens_, network_.config.vocabulary);
  if (snapshot.has_logits()) {
    snapshot.read_row(work_.logits.first(network_.config.vocabulary),
                      work_.hidden.first(network_.config.hidden));
    logits_end_ = snapshot.facts().evaluated;
  }
  snapshot.read_pages(cache_);
  snapshot.finish();
  evaluated_ = snapshot.facts().evaluated;
  chat_ = snapshot.facts().chat;
}

void Session::Impl::save(const SnapshotSink& write) {
  refuse_while_generating("save");
  write_snapshot(
      {model_.impl()->fingerprint, options_.kv, options_.context_tokens, evaluated_, chat_},
      parts(), cache_, [&](std::span<const std::byte> bytes) {
        if (cancelled()) throw_cancelled();
        write(bytes);
      });
}

SnapshotParts Session::Impl::parts() const {
  if (logits_end_ == 0 || logits_end_ != evaluated_) return {tokens_, {}, {}};
  return {tokens_, logits_row(), forward_.hidden_row(logits_row_)};
}

void Session::Impl::refuse_while_generating(const char* what) const {
  if (generating_) {
    fail(ErrorCode::invalid_argument,
         std::string(what) + ": expected a session between generations, found one running");
  }
}

void Session::Impl::throw_cancelled() {
  fail(ErrorCode::cancelled, "the session's work was cancelled");
}

void Session::Impl::append_tokens(std::span<const Token> tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || static_cast<std::uint32_t>(tokens[i]) >= network_.config.vocabulary) {
      fail(ErrorCode::invalid_argument,
           format_text("token %zu: expected an id of 0 ... %u, found %d", i,
                       network_.config.vocabulary - 1, tokens[i]));
    }
  }
  if (!fits(tokens.size())) {
    const ContextEnd end = context_end(model_.tokenizer().impl(), tokens_);
    const std::optional<ContextCut> cut = cut_for(tokens.size(), !end.turn_open);
    if (!cut) throw_full(tokens.size());
    drop(*cut);
  }
  if (!tokens.empty()) speculator_.abandon();
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
}

void Session::Impl::append_text(std::string_view text, SpecialTokens special) {
  std::vector<Token> ids;
  const Tokenizer& tokenizer = model_.tokenizer();
  tokenizer.impl().encode(text, special, ids);
  if (tokens_.empty() && tokenizer.bos() >= 0 && (ids.empty() || ids[0] != tokenizer.bos()))
    ids.insert(ids.begin(), tokenizer.bos());
  append_tokens(ids);
}

void Session::Impl::append(const Chat& chat) {
  const Tokenizer::Impl& tokenizer = model_.tokenizer().impl();
  const ChatStyle& style = model_.impl()->chat_style;
  const auto rendered = [&](std::span<const Token> context) {
    return (context.empty() ? render_chat(chat, style, tokenizer)
                            : render_continuation(chat, style, tokenizer, context))
        .tokens;
  };
  std::vector<Token> tokens = rendered(tokens_);
  if (!fits(tokens.size())) {
    // What continues a context depends on what is left of it, and may be longer then: the thinking
    // switch may have to be said again.
    const std::size_t asked = tokens.size();
    const bool answers = context_end(tokenizer, tokens_).awaits_response;
    std::optional<ContextCut> cut;
    std::vector<Token> kept;
    do {
      cut = cut_for(tokens.size(), !answers);
      if (!cut) throw_full(asked);
      kept.assign(tokens_.begin(), tokens_.begin() + cut->begin);
      kept.insert(kept.end(), tokens_.begin() + cut->end, tokens_.end());
      tokens = rendered(kept);
    } while (kept.size() + tokens.size() > options_.context_tokens);
    drop(*cut);
  }
  append_tokens(tokens);
  chat_ = true;
}

void Session::Impl::throw_full(std::size_t tokens) const {
  fail(ErrorCode::context_full,
       format_text("context: expected at most %u tokens, found %u in the context and %zu to add",
                   options_.context_tokens, size(), tokens));
}

std::optional<ContextCut> Session::Impl::cut_for(std::size_t tokens, bool everything) const {
  if (options_.context_policy != ContextPolicy::shift) return std::nullopt;
  return context_cut(
      model_.tokenizer().impl(), tokens_,
      {options_.keep_first_tokens, size() + tokens - options_.context_tokens, everything});
}

void Session::Impl::drop(const ContextCut& cut) {
  const auto begin = tokens_.begin();
  tokens_.erase(begin + cut.begin, begin + cut.end);
  const std::uint32_t kept_rows =
      std::min(evaluated_, cut.begin) + (evaluated_ > cut.end ? evaluated_ - cut.end : 0);
  forget_rows(cut.begin);
  ++statistics_.shifts;
  statistics_.dropped_tokens += cut.tokens();
  statistics_.reprocessed_tokens += kept_rows - evaluated_;
}

bool Session::Impl::make_room() {
  if (!full()) return true;
  const std::optional<ContextCut> cut = cut_for(1, false);
  if (cut) drop(*cut);
  return cut.has_value();
}

void Session::Impl::reuse_prefix() {
  PrefixCache* prefixes = model_.impl()->prefixes.get();
  if (prefixes == nullptr) return;
  const std::uint32_t before =
      std::exchange(evaluated_, prefixes->reuse(tokens_, evaluated_, cache_));
  if (before == evaluated_) return;
  forget_batch();
  statistics_.reused_tokens += evaluated_ - before;
}

void Session::Impl::keep_prefix() {
  PrefixCache* prefixes = model_.impl()->prefixes.get();
  if (prefixes == nullptr) return;
  const auto rows = std::span(tokens_).first(evaluated_);
  // what comes before the end of the first turn is what conversations have in common
  const Token turn_close = model_.tokenizer().impl().special_ids().turn_close;
  const auto turn = std::find(rows.begin(), rows.end(), turn_close);
  PrefixCache::Ends ends;
  if (turn != rows.end()) ends.first_turn = static_cast<std::uint32_t>(turn - rows.begin()) + 1;
  if (size() - evaluated_ <= 1) ends.last = evaluated_;
  prefixes->keep(rows, ends, cache_, cache_.all_pages());
}

bool Session::Impl::evaluate_batch() {
  const std::uint32_t rows = std::min(size() - evaluated_, options_.prefill_chunk_tokens);
  const Stopwatch watch(statistics_.prefill_ns);
  forget_batch();
  if (!forward_.run({tokens_.data() + evaluated_, rows}, evaluated_, cache_, &cancel_))
    return false;
  evaluated_ += rows;
  batch_end_ = evaluated_;
  batch_rows_ = rows;
  statistics_.prefill_tokens += rows;
  keep_prefix();
  return true;
}

Sequence Session::Impl::begin_pass(std::uint32_t most_drafts) {
  // the row that the newest token was chosen from, if it was
  target_.hidden = parts().hidden;
  const std::span<const Token> draft = speculator_.draft(tokens_, sampler_.options(), most_drafts);
  pass_tokens_[0] = tokens_.back();
  std::copy(draft.begin(), draft.end(), pass_tokens_.begin() + 1);
  pass_rows_ = 1 + static_cast<std::uint32_t>(draft.size());
  return {std::span(pass_tokens_).first(pass_rows_), evaluated_, &cache_};
}

void Session::Impl::end_pass(std::uint64_t ns, bool alone) {
  speculator_.passed(ns, alone);
  // the drafted tokens' rows count when these tokens are chosen
  logits_end_ = ++evaluated_;
  logits_row_ = 0;
}

bool Session::Impl::decode_pass(std::uint32_t most_drafts) {
  const Sequence sequence = begin_pass(most_drafts);
  forget_batch();
  std::uint64_t ns = 0;
  bool done;
  {
    const Stopwatch watch(ns);
    done =
        forward_.run(std::span(&sequence, 1), &cancel_) && forward_.logits(0, pass_rows_, &cancel_);
  }
  statistics_.decode_ns += ns;
  if (done) end_pass(ns, true);
  return done;
}

std::optional<Sequence> Session::Impl::begin_shared() {
  if (tokens_.empty())
    fail(ErrorCode::invalid_argument,
         "batch: expected at least one token in every session, found an empty one");
  // a generation would find no room for what follows
  if (generating_ && finished_ == FinishReason::none) (void)make_room();
  if (logits_ready()) return std::nullopt;
  if (!one_token_missing()) {
    if (!ready_logits(0)) throw_cancelled();
    return std::nullopt;
  }
  // how many drafts pay was learned from passes with no other rows
  return begin_pass(speculator_.adapts() ? 0 : most_drafts(wanted()));
}

void Session::Impl::end_shared(const Forward& pass, std::uint32_t row, std::uint64_t ns) {
  forget_batch();
  for (std::uint32_t i = 0; i < pass_rows_; ++i)
    forward_.set_row(i, pass.logits_row(row + i), pass.hidden_row(row + i));
  statistics_.decode_ns += ns;
  end_pass(ns, false);
}

void Session::Impl::prefill(const std::function<bool(std::uint32_t, std::uint32_t)>& on_progress) {
  reuse_prefix();
  const std::uint32_t begin = evaluated_, total = size() - evaluated_;
  while (evaluated_ < size()) {
    if (!evaluate_batch()) throw_cancelled();
    if (on_progress && !on_progress(evaluated_ - begin, total)) throw_cancelled();
  }
}

/// One token after others is a decoding step, more are a prompt.
bool Session::Impl::one_token_missing() {
  // the row of the last token may be gone from the workspace (after a rewind): evaluating it again
  // gives the same bits
  if (evaluated_ == size() && (batch_rows_ == 0 || batch_end_ != size())) --evaluated_;
  return evaluated_ > 0 && size() - evaluated_ == 1;
}

bool Session::Impl::ready_logits(std::uint32_t most_drafts) {
  if (logits_ready()) return true;
  if (one_token_missing()) return decode_pass(most_drafts);
  reuse_prefix();
  while (evaluated_ < size()) {
    if (!evaluate_batch()) return false;
  }
  const Stopwatch watch(statistics_.prefill_ns);
  if (!forward_.logits(batch_rows_ - 1, 1, &cancel_)) return false;
  logits_end_ = size();
  logits_row_ = 0;
  return true;
}

std::span<const float> Session::Impl::logits() {
  if (tokens_.empty())
    fail(ErrorCode::invalid_argument,
         "logits: expected at least one token in the context, found none");
  if (!ready_logits(0)) throw_cancelled();
  return logits_row();
}

void Session::Impl::prefill_tokens(
    std::span<const Token> tokens,
    const std::function<void(std::uint32_t, std::span<const float>)>& on_logits) {
  append_tokens(tokens);
  const std::uint32_t first = size() - static_cast<std::uint32_t>(tokens.size());
  while (evaluated_ < size()) {
    if (!evaluate_batch()) throw_cancelled();
    const std::uint32_t begin = batch_end_ - batch_rows_;
    for (std::uint32_t row = begin < first ? first - begin : 0; row < batch_rows_;
         row += kLogitRows) {
      const std::uint32_t count = std::min(kLogitRows, batch_rows_ - row);
      if (!forward_.logits(row, count, &cancel_)) throw_cancelled();
      for (std::uint32_t i = 0; i < count; ++i) on_logits(begin + row + i, forward_.logits_row(i));
    }
  }
}

std::uint32_t Session::Impl::wanted() const {
  return generating_ && generate_.max_tokens != 0 ? generate_.max_tokens - generated_
                                                  : options_.context_tokens;
}

std::uint32_t Session::Impl::most_drafts(std::uint32_t wanted) const {
  // one of the tokens comes from the row of the last draft, and all must have room
  const std::uint32_t room = std::min(wanted, options_.context_tokens - size());
  return room == 0 ? 0 : std::min(room - 1, decode_rows(options_.speculation) - 1);
}

Token Session::Impl::choose() {
  const Token token = sampler_.pick(logits_row(), size(), tokens_);
  tokens_.push_back(token);
  if (speculator_.chosen(token)) {
    logits_end_ = ++evaluated_;
    ++logits_row_;
  }
  return token;
}

Token Session::Impl::decode_step(const SamplingOptions& options) {
  check_sampling_options(options, static_cast<std::int32_t>(network_.config.vocabulary));
  if (tokens_.empty())
    fail(ErrorCode::invalid_argument,
         "decode_step: expected at least one token in the context, found none");
  if (!make_room()) {
    fail(ErrorCode::context_full,
         format_text("context: expected room for one token more, found all %u in use",
                     options_.context_tokens));
  }
  sampler_.configure(options, network_.config.sampling.suppress);
  if (!ready_logits(most_drafts(kMostDrafts + 1))) throw_cancelled();
  return choose();
}

std::uint32_t Session::Impl::rewind(std::uint32_t position) {
  if (position > size())
    fail(ErrorCode::invalid_argument,
         format_text("position: expected at most %u, found %u", size(), position));
  if (position == size()) return 0;
  tokens_.resize(position);
  generating_ = false;
  return forget_rows(position);
}

std::uint32_t Session::Impl::forget_rows(std::uint32_t position) {
  speculator_.rewound(position);
  if (position < logits_end_) logits_end_ = 0;
  batch_rows_ = 0;
  if (position >= evaluated_) return 0;
  if (position >= earliest_rewind()) {
    evaluated_ = position;
    return 0;
  }
  evaluated_ = 0;
  cache_.reset();
  return position;
}

std::uint32_t Session::Impl::earliest_rewind() const {
  const std::uint32_t kept = cache_.oldest_kept(evaluated_);
  if (kept == 0) return 0;
  // the last token is evaluated again when its logits are wanted, and sees window - 1 before it
  return std::min(kept + network_.config.window, evaluated_);
}

void Session::Impl::start(const GenerateOptions& options) {
  check_sampling_options(options, static_cast<std::int32_t>(network_.config.vocabulary));
  if (tokens_.empty())
    fail(ErrorCode::invalid_argument, "generate: expected a prompt, found an empty context");
  for (const std::string& stop : options.stop) {
    if (stop.empty())
      fail(ErrorCode::invalid_argument,
           "stop: expected texts of at least one byte, found an empty one");
  }
  generate_ = options;
  sampler_.configure(generate_, network_.config.sampling.suppress);
  parser_ = chat_ ? &chat_parser_ : &raw_parser_;
  parser_->start(tokens_, generate_.stop);
  generated_ = 0;
  finished_ = FinishReason::none;
  flushed_ = false;
  generating_ = true;
}

bool Session::Impl::next(Event& event, bool evaluate) {
  if (!generating_) return false;
  while (!parser_->take(event)) {
    if (finished_ == FinishReason::none) {
      const bool room = cancelled() || make_room();
      if (!evaluate && !logits_ready() && !cancelled() && room) return false;
      step(room);
    } else if (!flushed_) {
      parser_->finish();  // only now: it drops events that were not taken
      flushed_ = true;
    } else {
      event = {Event::Kind::end, {}, {}, finished_};
      generating_ = false;
      keep_prefix();
      return true;
    }
  }
  return true;
}

/// One token: evaluate, choose, hand it to the parser, or find out why there is none.
void Session::Impl::step(bool room) {
  if (!room) {
    finished_ = FinishReason::context_full;
    return;
  }
  if (cancelled() || !ready_logits(most_drafts(wanted()))) {
    finished_ = FinishReason::cancelled;
    return;
  }
  const Token token = choose();
  ++generated_;
  if (!generate_.ignore_end_of_generation && model_.tokenizer().is_end_of_generation(token)) {
    finished_ = parser_->saw_tool_call() ? FinishReason::tool_calls : FinishReason::stop;
    return;
  }
  parser_->feed(token);
  if (parser_->stopped()) {
    finished_ = FinishReason::stop_text;
  } else if (generated_ == generate_.max_tokens) {
    finished_ = FinishReason::length;
  }
}

}  // namespace gemma4
