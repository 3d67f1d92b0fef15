#include "model/rotary.hpp"

#include <cmath>

#include "weights/model_config.hpp"

namespace gemma4 {
namespace {

constexpr std::uint32_t kLow = 512;

}  // namespace

RotaryTable::RotaryTable(double base, std::uint32_t head_size, std::span<const double> factors,
                         std::uint32_t positions, const AllocatorPtr& allocator)
    : low_(allocator), high_(allocator) {
  pairs_ = factors.empty() ? head_size / 2 : turning_pairs(factors);
  const auto fill = [&](Turns& table, std::uint32_t count, std::uint32_t step) {
    table.reserve(std::size_t{count} * pairs_);
    for (std::uint32_t k = 0; k < count; ++k) {
      for (std::uint32_t i = 0; i < pairs_; ++i) {
        const double factor = factors.empty() ? 1.0 : factors[i];
        const double frequency =
            factor >= kNeverTurns ? 0.0 : std::pow(base, -2.0 * i / head_size) / factor;
        const double angle = double(k) * step * frequency;
        table.push_back({std::cos(angle), std::sin(angle)});
      }
    }
  };
  fill(low_, kLow, 1);
  fill(high_, positions / kLow + 1, kLow);
}

void RotaryTable::angles(std::uint32_t position, float* cosine, float* sine) const {
  const Turn* a = high_.data() + std::size_t{position / kLow} * pairs_;
  const Turn* b = low_.data() + std::size_t{position % kLow} * pairs_;
  for (std::uint32_t i = 0; i < pairs_; ++i) {
    cosine[i] = static_cast<float>(std::fma(a[i].cosine, b[i].cosine, -(a[i].sine * b[i].sine)));
    sine[i] = static_cast<float>(std::fma(a[i].sine, b[i].cosine, a[i].cosine * b[i].sine));
  }
}

std::uint64_t RotaryTable::bytes(std::uint32_t pairs, std::uint32_t positions) {
  return (std::uint64_t{kLow} + positions / kLow + 1) * pairs * sizeof(Turn);
}

}  // namespace gemma4
