// How the next token is chosen from the logits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gemma4/tokenizer.hpp"

namespace gemma4 {

struct LogitBias {
  Token token = 0;
  float bias = 0;  ///< added to the token's logit; -infinity forbids it
};

/// A choice is a pure function of (logits, options, seed, position, earlier tokens). Order:
/// suppressed tokens, bias, penalties; then temperature 0 takes the largest logit (lowest id on
/// ties), else top_k, top_p, min_p restrict the candidates (on probabilities at `temperature`) and
/// one is drawn with numbers that depend on seed, position and token alone.
struct SamplingOptions {
  float temperature = 0.0f;  ///< 0 = greedy
  std::int32_t top_k = 0;    ///< keep the k most probable; 0 = all
  float top_p = 1.0f;        ///< keep the smallest set whose probability reaches p; 1 = all
  float min_p = 0.0f;  ///< keep tokens with at least this share of the best probability; 0 = all
  float repetition_penalty =
      1.0f;  ///< logits of earlier tokens: divided if positive, multiplied if negative; 1 = off
  float presence_penalty = 0.0f;      ///< subtracted once from logits of earlier tokens
  float frequency_penalty = 0.0f;     ///< subtracted once per earlier occurrence
  std::uint32_t penalty_window = 64;  ///< how many of the latest tokens count as earlier; 0 = all
  std::uint64_t seed = 0;
  std::vector<LogitBias> logit_bias = {};
  std::vector<Token> suppress = {};  ///< never chosen, besides the model's own list
};

/// What generate() does, and when it ends.
struct GenerateOptions : SamplingOptions {
  std::uint32_t max_tokens = 0;        ///< 0 = until the model ends or the context is full
  std::vector<std::string> stop = {};  ///< texts that end the answer; they are not part of it
  bool ignore_end_of_generation =
      false;  ///< go on after end-of-generation tokens (for measurements)
};

}  // namespace gemma4
