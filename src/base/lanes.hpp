// Sums in sixteen lanes (docs/numerics.md, rule 4), for code that has no kernels at hand.
#pragma once

#include <cstdint>

namespace gemma4 {

/// term(0) + ... + term(count - 1), for a multiple of 16, in lanes that are folded by halves.
template <typename Term>
float sum_in_lanes(std::uint32_t count, const Term& term) {
  float lanes[16] = {};
  for (std::uint32_t i = 0; i < count; i += 16) {
    for (std::uint32_t lane = 0; lane < 16; ++lane) lanes[lane] += term(i + lane);
  }
  for (std::uint32_t half = 8; half > 0; half /= 2) {
    for (std::uint32_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

}  // namespace gemma4
