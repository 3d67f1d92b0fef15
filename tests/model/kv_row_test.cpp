// Rows that key and value share against rows of their own: the same network, the same kernels, two
// caches.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "io/temporary_folder.hpp"
#include "model/forward.hpp"
#include "session/model_impl.hpp"
#include "weights/synthetic_model.hpp"

namespace gemma4::test {
namespace {

constexpr std::uint32_t kTokens = 200, kBatch = 40;

/// The textbook's layout: every key as a whole beside its value.
ModelConfig apart(ModelConfig config) {
  for (LayerConfig& layer : config.layers) layer.turning_pairs = kAllPairs;
  return config;
}

/// The logits of some positions after one another.
std::vector<float> logits(const Model& model, const ModelConfig& rows, KvType type) {
  const Network& network = *model.impl()->network;
  Workspace work(network.config, {.batch = kBatch, .context = kTokens, .threads = 2});
  KvCache cache(rows, type, kTokens, kBatch);
  Forward forward(network, *model.impl()->pool, work);
  Random random(8);
  std::vector<float> all;
  for (std::uint32_t first = 0; first < kTokens; first += kBatch) {
    std::vector<Token> tokens(kBatch);
    for (Token& token : tokens)
      token = static_cast<Token>(random.bits() % network.config.vocabulary);
    REQUIRE(forward.run(tokens, first, cache, nullptr));
    REQUIRE(forward.logits(0, kLogitRows, nullptr));
    for (std::uint32_t i = 0; i < kLogitRows; ++i) {
      const std::span<const float> row = forward.logits_row(i);
      all.insert(all.end(), row.begin(), row.end());
    }
  }
  return all;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (double(a[i]) - double(b[i])) * (double(a[i]) - double(b[i]));
    size += double(a[i]) * double(a[i]);
  }
  return std::sqrt(difference / size);
}

}  // namespace

TEST_CASE("shared rows give what rows apart give, within what storing them takes") {
  const TemporaryFolder folder;
  SyntheticModel synthetic;
  synthetic.matrices = synthetic.embedding = TensorType::f32;  // nothing else is rounded
  const Model model = Model::load(folder.write("model.gguf", synthetic.bytes()));
  const ModelConfig shared = model.impl()->network->config, whole = apart(shared);
  REQUIRE(KvRow(KvType::f32, shared.layers[2]).shared());
  REQUIRE(!KvRow(KvType::f32, whole.layers[2]).shared());
  const std::vector<float> exact = logits(model, whole, KvType::f32);
  const double f32 = distance(exact, logits(model, shared, KvType::f32));
  MESSAGE("f32: " << f32);
  CHECK(f32 < 1e-6);
  for (const auto& [type, name] : {std::pair(KvType::f16, "f16"), {KvType::q8_0, "q8_0"}}) {
    const double together = distance(exact, logits(model, shared, type)),
                 alone = distance(exact, logits(model, whole, type));
    MESSAGE(std::string(name) << ": shared " << together << ", apart " << alone);
    // One rounding each, of other numbers: key and value now err together. A fifth is for chance.
    CHECK(together < 1.2 * alone);
  }
}

TEST_CASE("a full layer's turning pairs are read from the file, or a quarter of them") {
  const TemporaryFolder folder;
  SyntheticModel synthetic;
  const auto pairs = [&](int turning) {
    synthetic.turning_pairs = turning;
    const std::string path = folder.write("model.gguf", synthetic.bytes());
    const std::vector<LayerConfig> layers = Model::load(path).impl()->network->config.layers;
    CHECK(layers[0].turning_pairs == kAllPairs);
    return layers[2].turning_pairs;
  };
  CHECK(pairs(24) == 24);
  CHECK(pairs(0) == 0);
  CHECK(pairs(64) == 64);
  CHECK(pairs(-1) == 16);
}

}  // namespace gemma4::test
