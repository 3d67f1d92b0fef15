#include "weights/model_config.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "weights/assistant_config.hpp"
#include "weights/config_reader.hpp"

namespace gemma4 {
namespace {

void refuse_unsupported(const ConfigReader& reader) {
  const struct {
    const char* key;
    const char* feature;
  } kFeatures[] = {
      {"expert_count", "mixture of experts (26B-A4B)"},
      {"embedding_length_per_layer_input", "per-layer embeddings (E2B, E4B)"},
      {"attention.shared_kv_layers", "layers that share another layer's KV (E2B, E4B)"}};
  for (const auto& feature : kFeatures) {
    const std::uint64_t found = reader.optional_integer(feature.key);
    if (found != 0) {
      fail(ErrorCode::unsupported,
           reader.metadata().file() + ": " + reader.key(feature.key) +
               format_text(": expected 0, found %llu: %s are not supported by this version",
                           static_cast<unsigned long long>(found), feature.feature));
    }
  }
}

/// Google's recommendation for all sizes, unless the file has its own.
SamplingOptions read_sampling(const Metadata& metadata) {
  SamplingOptions options;
  options.temperature = static_cast<float>(metadata.real("general.sampling.temp").value_or(1.0));
  options.top_p = static_cast<float>(metadata.real("general.sampling.top_p").value_or(0.95));
  options.top_k = static_cast<std::int32_t>(std::min<std::uint64_t>(
      metadata.unsigned_integer("general.sampling.top_k").value_or(64), 1u << 24));
  const bool sane = options.temperature >= 0 && std::isfinite(options.temperature) &&
                    options.top_p >= 0 && options.top_p <= 1;
  if (!sane)
    fail(ErrorCode::format,
         metadata.file() + ": general.sampling: expected temp >= 0 and 0 <= top_p <= 1, found " +
             format_text("%g and %g", double(options.temperature), double(options.top_p)));
  return options;
}

}  // namespace

std::uint32_t turning_pairs(std::span<const double> factors) noexcept {
  std::size_t pairs = factors.size();
  while (pairs > 0 && factors[pairs - 1] >= kNeverTurns) --pairs;
  return static_cast<std::uint32_t>(pairs);
}

ModelConfig read_model_config(const Metadata& metadata) {
  const auto architecture = metadata.text("general.architecture");
  if (!architecture || *architecture != "gemma4") {
    fail(architecture ? ErrorCode::unsupported : ErrorCode::format,
         metadata.file() + ": general.architecture: expected \"gemma4\", found " +
             (architecture ? in_quotes(*architecture) : "no such key") +
             (architecture && is_assistant(*architecture)
                  ? " (an MTP assistant is not a model of its own: load it beside its model, as "
                    "LoadOptions::assistant)"
                  : ""));
  }
  const ConfigReader reader(metadata, std::string(*architecture));
  refuse_unsupported(reader);
  ModelConfig config;
  config.architecture = std::string(*architecture);
  reader.read_shapes(config);
  config.softcap = static_cast<float>(reader.real("final_logit_softcapping", 30.0));
  const float scale = std::sqrt(static_cast<float>(config.hidden));
  config.embedding_scale =
      kRoundEmbeddingScale
          ? std::ldexp(std::nearbyint(std::ldexp(scale, 8 - std::ilogb(scale) - 1)),
                       std::ilogb(scale) + 1 - 8)
          : scale;
  config.sampling = read_sampling(metadata);
  return config;
}

}  // namespace gemma4
