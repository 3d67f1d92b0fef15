// Each option outside its range is refused with a message that names it.
#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <string>

#include "decode/sampler.hpp"
#include "gemma4/error.hpp"

namespace gemma4 {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::string refusal(const std::function<void(SamplingOptions&)>& change) {
  SamplingOptions options;
  change(options);
  try {
    check_sampling_options(options, 100);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("options at the borders of their ranges are accepted") {
  CHECK_NOTHROW(check_sampling_options({}, 1));
  SamplingOptions options;
  options.temperature = 1e9f;
  options.top_k = std::numeric_limits<std::int32_t>::max();
  options.top_p = 0.0f;
  options.min_p = 1.0f;
  options.repetition_penalty = 1e-3f;
  options.presence_penalty = -100.0f;
  options.frequency_penalty = 100.0f;
  options.penalty_window = 0;
  options.logit_bias = {{0, -kInfinity}, {99, 5.0f}};
  options.suppress = {0, 99};
  CHECK_NOTHROW(check_sampling_options(options, 100));
}

TEST_CASE("a refusal names option, expected and found") {
  CHECK(refusal([](auto& o) { o.temperature = -0.5f; }) ==
        "temperature: expected a finite number of at least 0, found -0.5");
  CHECK(refusal([](auto& o) { o.top_k = -1; }) ==
        "top_k: expected a whole number of at least 0, found -1");
  CHECK(refusal([](auto& o) { o.top_p = 1.5f; }) ==
        "top_p: expected a number from 0 to 1, found 1.5");
  CHECK(refusal([](auto& o) {
          o.suppress = {7, 100};
        }) == "suppress: expected a token from 0 to 99, found 100");
}

TEST_CASE("every option is checked") {
  const auto named = [](const char* name, const std::function<void(SamplingOptions&)>& change) {
    CAPTURE(name);
    CHECK(refusal(change).substr(0, std::string(name).size()) == name);
  };
  for (const float bad : {kNaN, kInfinity, -kInfinity}) {
    named("temperature", [&](auto& o) { o.temperature = bad; });
    named("top_p", [&](auto& o) { o.top_p = bad; });
    named("min_p", [&](auto& o) { o.min_p = bad; });
    named("repetition_penalty", [&](auto& o) { o.repetition_penalty = bad; });
    named("presence_penalty", [&](auto& o) { o.presence_penalty = bad; });
    named("frequency_penalty", [&](auto& o) { o.frequency_penalty = bad; });
  }
  named("top_p", [](auto& o) { o.top_p = -0.1f; });
  named("min_p", [](auto& o) { o.min_p = 1.1f; });
  named("repetition_penalty", [](auto& o) { o.repetition_penalty = 0.0f; });
  named("logit_bias", [](auto& o) { o.logit_bias = {{100, 0.0f}}; });
  named("logit_bias", [](auto& o) { o.logit_bias = {{-1, 0.0f}}; });
  named("logit_bias", [](auto& o) { o.logit_bias = {{1, kNaN}}; });
  named("logit_bias", [](auto& o) { o.logit_bias = {{1, kInfinity}}; });
  named("suppress", [](auto& o) { o.suppress = {-1}; });
}

}  // namespace gemma4
