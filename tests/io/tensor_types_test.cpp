#include "io/tensor_types.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string>

using namespace gemma4;

TEST_CASE("the types of Gemma 4 files have ggml's block sizes") {
  struct Expected {
    std::uint32_t number;
    const char* name;
    std::uint32_t elements;
    std::uint32_t bytes;
  };
  constexpr Expected kExpected[] = {
      {0, "F32", 1, 4},       {1, "F16", 1, 2},       {2, "Q4_0", 32, 18},
      {3, "Q4_1", 32, 20},    {6, "Q5_0", 32, 22},    {7, "Q5_1", 32, 24},
      {8, "Q8_0", 32, 34},    {10, "Q2_K", 256, 84},  {11, "Q3_K", 256, 110},
      {12, "Q4_K", 256, 144}, {13, "Q5_K", 256, 176}, {14, "Q6_K", 256, 210},
      {26, "I32", 1, 4},      {30, "BF16", 1, 2},
  };
  for (const Expected& expected : kExpected) {
    CAPTURE(expected.name);
    const TensorTypeTraits* traits = tensor_type_traits(static_cast<TensorType>(expected.number));
    REQUIRE(traits != nullptr);
    CHECK(std::string(traits->name) == expected.name);
    CHECK(traits->block_elements == expected.elements);
    CHECK(traits->block_bytes == expected.bytes);
    CHECK(tensor_type_name(static_cast<TensorType>(expected.number)) == traits->name);
  }
}

TEST_CASE("a number without a type has no traits") {
  for (const std::uint32_t number : {4u, 5u, 9u, 15u, 31u, 41u, 1000u, 0xffffffffu}) {
    CHECK(tensor_type_traits(static_cast<TensorType>(number)) == nullptr);
    CHECK(std::string(tensor_type_name(static_cast<TensorType>(number))) == "unknown type");
  }
}

TEST_CASE("every name is used once") {
  for (std::uint32_t a = 0; a < 64; ++a) {
    const TensorTypeTraits* traits = tensor_type_traits(static_cast<TensorType>(a));
    if (traits == nullptr) continue;
    for (std::uint32_t b = 0; b < a; ++b) {
      CHECK(std::strcmp(traits->name, tensor_type_name(static_cast<TensorType>(b))) != 0);
    }
  }
}
