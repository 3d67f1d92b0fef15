#include "session/drafters.hpp"

#include <utility>
#include <vector>

#include "base/error.hpp"
#include "decode/mtp_drafter.hpp"
#include "model/workspace.hpp"

namespace gemma4 {
namespace {

/// Repetitions that the lookup trusts this much cost nothing to draft; the assistant does the rest.
constexpr float kSureRepetition = 0.8f;

}  // namespace

static_assert(kMostDrafts + 1 == kLogitRows, "a draft and the token before it share one pass");

Speculation settled(const Speculation& speculation, bool has_assistant) {
  Speculation s = speculation;
  if (s.depth != Speculation::kAutomaticDepth &&
      (s.depth < 0 || s.depth > static_cast<std::int32_t>(kMostDrafts))) {
    fail(ErrorCode::invalid_argument,
         format_text("speculation: expected a depth of 0 ... %u or automatic, found %d",
                     kMostDrafts, s.depth));
  }
  switch (s.drafter) {
    case DrafterKind::automatic:
      if (!has_assistant) s.drafter = DrafterKind::ngram;
      break;
    case DrafterKind::mtp:
      if (!has_assistant) {
        fail(ErrorCode::invalid_argument,
             "speculation: expected a model with an assistant (LoadOptions::assistant) for the "
             "drafter mtp, found one without");
      }
      break;
    case DrafterKind::custom:
      if (s.custom == nullptr) {
        fail(ErrorCode::invalid_argument,
             "speculation: expected a drafter for DrafterKind::custom, found a null pointer");
      }
      break;
    case DrafterKind::ngram:
    case DrafterKind::none:
      break;
    default:
      fail(ErrorCode::invalid_argument,
           format_text("speculation: expected a drafter of DrafterKind, found %d",
                       static_cast<int>(s.drafter)));
  }
  return s.depth == 0 || s.drafter == DrafterKind::none ? Speculation::off() : s;
}

namespace {

std::shared_ptr<Drafter> own_drafter(const SessionOptions& options, const Model::Impl& model,
                                     const TargetState& state, const std::atomic<bool>& cancel) {
  const auto mtp = [&] {
    return std::make_shared<MtpDrafter>(*model.assistant, *model.pool,
                                        assistant_shape(options, model.pool->threads()), state,
                                        cancel, model.allocator);
  };
  switch (options.speculation.drafter) {
    case DrafterKind::automatic:
      return std::make_shared<FirstOf>(std::vector<std::shared_ptr<Drafter>>{
          std::make_shared<NgramDrafter>(options.context_tokens, kSureRepetition, model.allocator),
          mtp()});
    case DrafterKind::mtp:
      return mtp();
    case DrafterKind::ngram:
      return std::make_shared<NgramDrafter>(options.context_tokens, 0.0f, model.allocator);
    case DrafterKind::custom:
      return options.speculation.custom;
    default:
      return nullptr;
  }
}

}  // namespace

std::shared_ptr<Drafter> make_drafter(const SessionOptions& options, const Model::Impl& model,
                                      const TargetState& state, const std::atomic<bool>& cancel) {
  std::shared_ptr<Drafter> drafter = own_drafter(options, model, state, cancel);
  if (drafter == nullptr || !options.speculation.wrap) return drafter;
  drafter = options.speculation.wrap(std::move(drafter));
  if (drafter == nullptr) {
    fail(ErrorCode::invalid_argument,
         "speculation: expected a drafter from Speculation::wrap, found a null pointer");
  }
  return drafter;
}

std::uint64_t drafter_bytes(const SessionOptions& options, const AssistantConfig* assistant,
                            int threads) {
  const DrafterKind drafter = options.speculation.drafter;
  std::uint64_t bytes = 0;
  if (drafter == DrafterKind::ngram || drafter == DrafterKind::automatic)
    bytes += NgramDrafter::bytes(options.context_tokens);
  if (drafter == DrafterKind::mtp || drafter == DrafterKind::automatic)
    bytes += Assistant::bytes(*assistant, assistant_shape(options, threads));
  return bytes;
}

std::uint32_t decode_rows(const Speculation& speculation) {
  return 1 + (speculation.depth == Speculation::kAutomaticDepth
                  ? kMostDrafts
                  : static_cast<std::uint32_t>(speculation.depth));
}

}  // namespace gemma4
