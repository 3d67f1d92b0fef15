// Elementary functions against double, and every instruction set against the scalar bits.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "kernels/random.hpp"

namespace gemma4::test {
namespace {

/// |found - exact| in units of the last place of the exact value.
double ulps(float found, double exact) {
  if (static_cast<double>(found) == exact) return 0;
  const float rounded = static_cast<float>(exact);
  const double unit =
      std::max(double(std::nextafter(std::fabs(rounded), INFINITY)) - std::fabs(rounded), 0x1p-149);
  return std::fabs(double(found) - exact) / unit;
}

/// Every 16-bit pattern of sign, exponent and leading mantissa bits inside [low, high], with varied
/// lower bits.
std::vector<float> sweep(float low, float high) {
  std::vector<float> values;
  Random random(3);
  for (std::uint32_t top = 0; top < 0x10000; ++top) {
    for (int i = 0; i < 16; ++i) {
      const std::uint32_t bits = (top << 16) | (random.bits() & 0xffff);
      float x;
      std::memcpy(&x, &bits, 4);
      if (x >= low && x <= high) values.push_back(x);
    }
  }
  values.resize(values.size() / 16 * 16);
  return values;
}

double worst(const std::vector<float>& x, const std::vector<float>& y,
             const std::function<double(double)>& exact, double floor) {
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = exact(x[i]);
    if (std::fabs(e - double(y[i])) <= floor) continue;
    largest = std::max(largest, ulps(y[i], e));
  }
  return largest;
}

}  // namespace

TEST_CASE("exp, tanh and gelu stay within 2 ulp of double") {
  const Kernels& k = *find_kernels(Isa::automatic);
  std::vector<float> x = sweep(-87.0f, 88.7f), y(x.size());
  k.exponential(x.data(), static_cast<std::uint32_t>(x.size()), y.data());
  CHECK(worst(
            x, y, [](double v) { return std::exp(v); }, 0) <= 2.0);

  x = sweep(-1e30f, 1e30f), y.resize(x.size());
  k.hyperbolic_tangent(x.data(), static_cast<std::uint32_t>(x.size()), y.data());
  CHECK(worst(
            x, y, [](double v) { return std::tanh(v); }, 0) <= 2.0);

  const std::vector<float> ones(x.size(), 1.0f);
  k.gelu_multiply(x.data(), ones.data(), static_cast<std::uint32_t>(x.size()), y.data());
  const double slope = 2 * std::sqrt(2 / 3.14159265358979323846);
  const auto gelu = [&](double z) {
    return z / (1 + std::exp(-slope * (z + 0.044715 * z * z * z)));
  };
  CHECK(worst(x, y, gelu, 0x1p-124) <= 2.0);
}

TEST_CASE("exact points of exp") {
  const float inf = std::numeric_limits<float>::infinity();
  for (const Isa isa : {Isa::scalar, Isa::automatic}) {
    std::vector<float> x = {0.0f, -0.0f, -inf, inf, -87.5f, 1000.0f, -1000.0f, 1.0f,
                            0,    0,     0,    0,   0,      0,       0,        0},
                       y(16);
    find_kernels(isa)->exponential(x.data(), 16, y.data());
    CHECK(y[0] == 1.0f);
    CHECK(y[1] == 1.0f);
    CHECK(y[2] == 0.0f);
    CHECK(y[3] == inf);
    CHECK(y[4] == 0.0f);
    CHECK(y[5] == inf);
    CHECK(y[6] == 0.0f);
  }
}

TEST_CASE("every instruction set gives the scalar bits") {
  const Kernels& scalar = *find_kernels(Isa::scalar);
  for (const Kernels* fast : fast_kernels()) {
    Random random(5);
    for (const float scale : {0.01f, 1.0f, 30.0f, 1e20f}) {
      const std::vector<float> x = random.floats(192, scale), w = random.floats(192);
      std::vector<float> a(192), b(192);
      const auto both = [&](const auto& call) {
        a = b = x;
        call(scalar, a.data());
        call(*fast, b.data());
        CHECK(same_bits(a, b));
      };
      both([&](const Kernels& k, float* out) { k.exponential(x.data(), 192, out); });
      both([&](const Kernels& k, float* out) { k.hyperbolic_tangent(x.data(), 192, out); });
      both([&](const Kernels& k, float* out) { k.gelu_multiply(x.data(), w.data(), 192, out); });
      both([&](const Kernels& k, float* out) { k.soft_cap(out, 192, 30.0f); });
      both([&](const Kernels& k, float* out) { k.rms_norm(x.data(), w.data(), 192, 1e-6f, out); });
      both([&](const Kernels& k, float* out) { k.rms_norm(x.data(), nullptr, 192, 1e-6f, out); });
      both([&](const Kernels& k, float* out) {
        k.add_rms_norm(out, w.data(), x.data(), 192, 1e-6f, 0.7f);
      });
      both([&](const Kernels& k, float* out) { k.rotate(out, 64, 8, w.data(), w.data() + 32); });
      both([&](const Kernels& k, float* out) { k.rotate(out, 64, 32, w.data(), w.data() + 32); });
    }
    const std::vector<float> x = sweep(-1e30f, 1e30f);
    std::vector<float> a(x.size()), b(x.size());
    const std::uint32_t size = static_cast<std::uint32_t>(x.size());
    const std::vector<float> ones(x.size(), 1.0f);
    scalar.gelu_multiply(x.data(), ones.data(), size, a.data());
    fast->gelu_multiply(x.data(), ones.data(), size, b.data());
    CHECK(same_bits(a, b));
    scalar.exponential(x.data(), size, a.data());
    fast->exponential(x.data(), size, b.data());
    CHECK(same_bits(a, b));
  }
}

}  // namespace gemma4::test
