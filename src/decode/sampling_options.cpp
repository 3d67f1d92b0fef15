// The checks of what a caller asks for.
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "decode/sampler.hpp"

namespace gemma4 {
namespace {

[[noreturn]] void fail_option(const char* option, const char* expected, double found) {
  fail(ErrorCode::invalid_argument,
       format_text("%s: expected %s, found %.9g", option, expected, found));
}

void check_token(const char* option, Token token, std::int32_t vocabulary_size) {
  if (token >= 0 && token < vocabulary_size) return;
  fail(ErrorCode::invalid_argument,
       format_text("%s: expected a token from 0 to %d, found %d", option,
                   static_cast<int>(vocabulary_size - 1), static_cast<int>(token)));
}

void check_share(const char* option, float value) {
  if (!(value >= 0.0f && value <= 1.0f)) fail_option(option, "a number from 0 to 1", value);
}

void check_finite(const char* option, float value) {
  if (!std::isfinite(value)) fail_option(option, "a finite number", value);
}

}  // namespace

void check_sampling_options(const SamplingOptions& options, std::int32_t vocabulary_size) {
  if (!(options.temperature >= 0.0f && std::isfinite(options.temperature))) {
    fail_option("temperature", "a finite number of at least 0", options.temperature);
  }
  if (options.top_k < 0) fail_option("top_k", "a whole number of at least 0", options.top_k);
  check_share("top_p", options.top_p);
  check_share("min_p", options.min_p);
  if (!(options.repetition_penalty > 0.0f && std::isfinite(options.repetition_penalty))) {
    fail_option("repetition_penalty", "a finite number above 0", options.repetition_penalty);
  }
  check_finite("presence_penalty", options.presence_penalty);
  check_finite("frequency_penalty", options.frequency_penalty);
  for (const LogitBias& bias : options.logit_bias) {
    check_token("logit_bias", bias.token, vocabulary_size);
    if (!(bias.bias < std::numeric_limits<float>::infinity())) {
      fail_option("logit_bias", "a finite number or -infinity", bias.bias);
    }
  }
  for (const Token token : options.suppress) check_token("suppress", token, vocabulary_size);
}

}  // namespace gemma4
