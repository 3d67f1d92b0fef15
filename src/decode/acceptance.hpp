// How likely drafted tokens are right, learned from what became of them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "gemma4/drafter.hpp"

namespace gemma4 {

/// Acceptance by place in the draft, each given that all before it were accepted; and by the
/// drafter's confidence. Old observations fade, so that the estimates follow the text.
class Acceptance {
 public:
  Acceptance();

  /// A draft's outcome. Places after a rejection say nothing: they were compared with a text that
  /// was not the drafter's. `confidences`: of its tokens; kUnknownConfidence where it gave none.
  void judged(std::span<const float> confidences, std::uint32_t accepted, bool rejected);

  /// A step without a draft: what is known grows old. Of the first place it is never forgotten.
  void idle();

  /// Of place 0 ... kMostDrafts - 1. A place that was seen little takes after the one before it.
  double at(std::uint32_t place) const { return estimates_[place]; }

  /// Of a token at a place that came with a confidence.
  double of(std::uint32_t place, float confidence) const;

 private:
  struct Count {
    double seen = 0, right = 0;
    void fade(double factor) { seen *= factor, right *= factor; }
    double mean(double opinion, double weight) const {
      return (right + weight * opinion) / (seen + weight);
    }
  };
  static constexpr std::uint32_t kBuckets = 10;
  static std::uint32_t bucket(float confidence);
  void estimate();

  std::array<Count, kMostDrafts> places_;
  std::array<double, kMostDrafts> estimates_;
  std::array<Count, kBuckets> confident_;
};

}  // namespace gemma4
