#include "weights/quantize.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/half.hpp"

namespace gemma4 {
namespace {

using Byte = std::uint8_t;

constexpr int kGroup = 16;                   // numbers that share a scale within Q6_K
constexpr float kSmallest = 1e-15f;          // Q6_K: what is smaller counts as zero
constexpr int kLowest = -32, kHighest = 31;  // Q6_K's codes

void store_half(Byte* out, float value) {
  const std::uint16_t bits = float_to_half(value);
  std::memcpy(out, &bits, sizeof bits);
}

/// The number of the largest magnitude, with its sign; the first of several.
float extreme(const float* x, int count) {
  float found = 0.0f;
  for (int i = 0; i < count; ++i) {
    if (std::fabs(x[i]) > std::fabs(found)) found = x[i];
  }
  return found;
}

float inverse(float d) { return d != 0.0f ? 1.0f / d : 0.0f; }

/// A number without a fraction as an integer within bounds; 0 for what is none, which damaged
/// weights bring.
int bounded(float x, int low, int high) {
  if (!(x >= static_cast<float>(low))) return x < 0.0f ? low : 0;
  return x <= static_cast<float>(high) ? static_cast<int>(x) : high;
}

int q6_code(float x) { return bounded(std::nearbyint(x), kLowest, kHighest); }

void quantize_q4_0(const float* x, Byte* out) {
  const float d = extreme(x, 32) / -8.0f, scale = inverse(d);
  store_half(out, d);
  const auto code = [&](int i) {
    return static_cast<Byte>(bounded(std::trunc(x[i] * scale + 8.5f), 0, 15));
  };
  for (int j = 0; j < 16; ++j) out[2 + j] = static_cast<Byte>(code(j) | (code(j + 16) << 4));
}

void quantize_q8_0(const float* x, Byte* out) {
  const float d = std::fabs(extreme(x, 32)) / 127.0f, scale = inverse(d);
  store_half(out, d);
  for (int j = 0; j < 32; ++j)
    out[2 + j] = static_cast<Byte>(bounded(std::round(x[j] * scale), -127, 127));
}

/// The scale of 16 numbers that loses least.
float best_scale(const float* x) {
  const float most = extreme(x, kGroup);
  if (std::fabs(most) < kSmallest) return 0.0f;
  // For given codes l the best scale is sum(w x l) / sum(w l l), w = x^2, and the error falls with
  // sum(w x l)^2 / sum(w l l).
  float best = 0.0f, gain = 0.0f;
  const auto attempt = [&](float steps, bool first) {
    const float scale = steps / most;
    float sum_xl = 0.0f, sum_ll = 0.0f;
    for (int i = 0; i < kGroup; ++i) {
      const float code = static_cast<float>(q6_code(scale * x[i])), w = x[i] * x[i];
      sum_xl += w * x[i] * code;
      sum_ll += w * code * code;
    }
    if (sum_ll <= 0.0f) return;
    if (!first && sum_xl * sum_xl <= gain * sum_ll) return;
    best = sum_xl / sum_ll;
    gain = best * sum_xl;
  };
  attempt(-32.0f, true);
  for (int step = -9; step <= 9; ++step) {
    if (step != 0) attempt(-(32.0f + 0.1f * static_cast<float>(step)), false);
  }
  return best;
}

/// The layout of the codes is that of decode_q6_k (block_formats.cpp).
void store_q6_codes(const int (&codes)[256], Byte* out) {
  for (int half = 0; half < 2; ++half) {
    const int* c = codes + 128 * half;
    for (int l = 0; l < 32; ++l) {
      out[64 * half + l] = static_cast<Byte>((c[l] & 15) | ((c[l + 64] & 15) << 4));
      out[64 * half + 32 + l] = static_cast<Byte>((c[l + 32] & 15) | ((c[l + 96] & 15) << 4));
      out[128 + 32 * half + l] =
          static_cast<Byte>((c[l] >> 4) | ((c[l + 32] >> 4) << 2) | ((c[l + 64] >> 4) << 4) |
                            ((c[l + 96] >> 4) << 6));
    }
  }
}

void quantize_q6_k(const float* x, Byte* out) {
  float scales[16];
  for (int g = 0; g < 16; ++g) scales[g] = best_scale(x + kGroup * g);
  const float most = extreme(scales, 16);
  if (std::fabs(most) < kSmallest) {
    std::memset(out, 0, 210);
    return;
  }
  const float common = -128.0f / most;
  store_half(out + 208, 1.0f / common);
  const float d = half_to_float(float_to_half(1.0f / common));
  int codes[256];
  for (int g = 0; g < 16; ++g) {
    const int sub = bounded(std::nearbyint(common * scales[g]), -128, 127);
    out[192 + g] = static_cast<Byte>(sub);
    const float scale = d * static_cast<float>(sub);
    for (int i = 0; i < kGroup; ++i) {
      const int at = kGroup * g + i;
      codes[at] = (scale != 0.0f ? q6_code(x[at] / scale) : 0) - kLowest;
    }
  }
  store_q6_codes(codes, out);
}

}  // namespace

bool can_quantize(TensorType type) noexcept {
  return type == TensorType::q4_0 || type == TensorType::q8_0 || type == TensorType::q6_k;
}

void quantize_row(TensorType type, std::span<const float> row, std::byte* out) noexcept {
  const TensorTypeTraits* traits = tensor_type_traits(type);
  if (!can_quantize(type) || traits == nullptr) return;
  Byte* block = reinterpret_cast<Byte*>(out);
  for (std::size_t i = 0; i < row.size(); i += traits->block_elements) {
    const float* x = row.data() + i;
    if (type == TensorType::q4_0) quantize_q4_0(x, block);
    if (type == TensorType::q8_0) quantize_q8_0(x, block);
    if (type == TensorType::q6_k) quantize_q6_k(x, block);
    block += traits->block_bytes;
  }
}

}  // namespace gemma4
