#include "decode/acceptance.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

constexpr double kFade = 1.0 - 1.0 / 48;  // a draft; half is forgotten after 33
// What was not seen again fades faster: places that were once unlucky get another trial.
// And a text that has turned rejects first tokens: what later places were worth before goes soon.
constexpr double kUnseenFade = kFade * kFade * kFade * kFade;
// Of first tokens: published measurements with Gemma 4's assistants lie between 0.65 and 0.91.
constexpr double kFirstOpinion = 0.75;
constexpr double kOpinionWeight = 2.5;            // in observations; chosen by simulation
constexpr double kIdleSeen = 6.0;                 // what idle steps leave of the observations
constexpr double kConfidenceFade = 1 - 1.0 / 64;  // a token
constexpr double kConfidenceWeight = 4.0;

}  // namespace

Acceptance::Acceptance() { estimate(); }

void Acceptance::judged(std::span<const float> confidences, std::uint32_t accepted, bool rejected) {
  const std::uint32_t seen =
      std::min(accepted + (rejected ? 1u : 0u), static_cast<std::uint32_t>(confidences.size()));
  for (std::uint32_t i = 0; i < kMostDrafts; ++i) places_[i].fade(i < seen ? kFade : kUnseenFade);
  for (std::uint32_t i = 0; i < seen; ++i) {
    const double right = i < accepted ? 1.0 : 0.0;
    places_[i].seen += 1.0;
    places_[i].right += right;
    if (confidences[i] < 0.0f) continue;
    Count& count = confident_[bucket(confidences[i])];
    count.fade(kConfidenceFade);
    count.seen += 1.0;
    count.right += right;
  }
  estimate();
}

void Acceptance::idle() {
  for (std::uint32_t i = 1; i < kMostDrafts; ++i) places_[i].fade(kUnseenFade);
  Count& first = places_[0];
  if (first.seen > kIdleSeen) {
    // fewer observations of the same mean, or the opinion of the beginning would come back
    const double mean = first.mean(kFirstOpinion, kOpinionWeight);
    first.seen *= kFade;
    first.right = mean * (first.seen + kOpinionWeight) - kFirstOpinion * kOpinionWeight;
  }
  estimate();
}

double Acceptance::of(std::uint32_t place, float confidence) const {
  if (confidence < 0.0f) return at(place);
  return confident_[bucket(confidence)].mean(0.5 * (static_cast<double>(confidence) + at(place)),
                                             kConfidenceWeight);
}

std::uint32_t Acceptance::bucket(float confidence) {
  return std::min(static_cast<std::uint32_t>(confidence * kBuckets), kBuckets - 1);
}

void Acceptance::estimate() {
  double before = kFirstOpinion;
  for (std::uint32_t i = 0; i < kMostDrafts; ++i) {
    estimates_[i] = places_[i].mean(before, kOpinionWeight);
    before = estimates_[i];
  }
}

}  // namespace gemma4
