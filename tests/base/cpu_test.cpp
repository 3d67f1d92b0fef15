#include "base/cpu.hpp"

#include <doctest/doctest.h>

using namespace gemma4;

TEST_CASE("the machine's features are consistent and stay the same") {
  const CpuFeatures& features = cpu_features();
  CHECK(&features == &cpu_features());
  CHECK((!features.avx512_vnni || features.avx2));
  CHECK((!features.avxvnni || features.avx2));
  CHECK_FALSE((features.avx2 && features.neon));
}

TEST_CASE("there is at least one core") { CHECK(available_cores() >= 1); }
