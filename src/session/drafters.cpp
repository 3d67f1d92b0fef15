#include "session/drafters.hpp"

#include "base/error.hpp"
#include "model/workspace.hpp"

namespace gemma4 {

static_assert(kMostDrafts + 1 == kLogitRows, "a draft and the token before it share one pass");

Speculation settled(const Speculation& speculation) {
  Speculation s = speculation;
  if (s.depth != Speculation::kAutomaticDepth &&
      (s.depth < 0 || s.depth > static_cast<std::int32_t>(kMostDrafts))) {
    fail(ErrorCode::invalid_argument,
         format_text("speculation: expected a depth of 0 ... %u or automatic, found %d",
                     kMostDrafts, s.depth));
  }
  switch (s.drafter) {
    case DrafterKind::automatic:
      s.drafter = DrafterKind::ngram;
      break;
    case DrafterKind::mtp:
      fail(
          ErrorCode::invalid_argument,
          "speculation: expected a model with an assistant for the drafter mtp, found one without");
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

std::shared_ptr<Drafter> make_drafter(const SessionOptions& options) {
  switch (options.speculation.drafter) {
    case DrafterKind::ngram:
      return std::make_shared<NgramDrafter>(options.context_tokens);
    case DrafterKind::custom:
      return options.speculation.custom;
    default:
      return nullptr;
  }
}

std::uint64_t drafter_bytes(const SessionOptions& options) {
  return options.speculation.drafter == DrafterKind::ngram
             ? NgramDrafter::bytes(options.context_tokens)
             : 0;
}

std::uint32_t decode_rows(const Speculation& speculation) {
  return 1 + (speculation.depth == Speculation::kAutomaticDepth
                  ? kMostDrafts
                  : static_cast<std::uint32_t>(speculation.depth));
}

}  // namespace gemma4
