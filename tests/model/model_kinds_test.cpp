// Every weight type in every matrix, against the double-precision reference; other forms of a
// checkpoint; batches and threads.
#include <doctest/doctest.h>

#include <cmath>

#include "gemma4/gemma4.hpp"
#include "io/temporary_folder.hpp"
#include "reference/reference.hpp"
#include "weights/synthetic_model.hpp"

namespace gemma4::test {
namespace {

std::vector<Token> prompt(std::size_t size) {
  Random random(31);
  std::vector<Token> tokens = {2};
  while (tokens.size() < size)
    tokens.push_back(static_cast<Token>(random.bits() % SyntheticModel::kVocabulary));
  return tokens;
}

std::vector<float> all_logits(const std::string& path, std::span<const Token> tokens,
                              const LoadOptions& load, const SessionOptions& options) {
  const Model model = Model::load(path, load);
  Session session(model, options);
  std::vector<float> logits;
  session.prefill_tokens(tokens, [&](std::uint32_t, std::span<const float> row) {
    logits.insert(logits.end(), row.begin(), row.end());
  });
  return logits;
}

/// ||found - exact|| / ||exact||
double relative_error(const std::vector<float>& found, const reference::Matrix& exact) {
  double difference = 0, size = 0;
  for (Eigen::Index r = 0; r < exact.rows(); ++r) {
    for (Eigen::Index c = 0; c < exact.cols(); ++c) {
      const double d = found[static_cast<std::size_t>(r * exact.cols() + c)] - exact(r, c);
      difference += d * d;
      size += exact(r, c) * exact(r, c);
    }
  }
  return std::sqrt(difference / size);
}

}  // namespace

TEST_CASE("every weight type, in every matrix") {
  const TemporaryFolder folder;
  const std::vector<Token> tokens = prompt(40);  // five windows
  for (const TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q4_0, TensorType::q8_0,
        TensorType::q6_k, TensorType::q4_1, TensorType::q5_0, TensorType::q4_k, TensorType::q5_k}) {
    SyntheticModel model;
    model.matrices = model.embedding = type;
    const std::string path = folder.write("model.gguf", model.bytes());
    reference::Reference exact(path);
    const reference::Matrix truth = exact.forward(tokens).logits;
    const bool float_path =
        type != TensorType::q4_0 && type != TensorType::q8_0 && type != TensorType::q6_k;
    const std::vector<float> found = all_logits(path, tokens, {.threads = 2}, {.kv = KvType::f32});
    CAPTURE(std::string(tensor_type_name(type)));
    // floats differ by rounding alone; the attention of random weights is all but an argmax and
    // magnifies 8-bit activations tenfold
    CHECK(relative_error(found, truth) < (float_path ? 1e-5 : 0.15));
    LoadOptions scalar{.threads = 3, .isa = Isa::scalar};
    const SessionOptions one_by_one{.kv = KvType::f32, .prefill_chunk_tokens = 1};
    CHECK(same_bits(found, all_logits(path, tokens, scalar, one_by_one)));
    LoadOptions wide{.threads = 2};
    wide.activations = scalar.activations = ActivationType::int16;
    const std::vector<float> near = all_logits(path, tokens, wide, {.kv = KvType::f32});
    CHECK(relative_error(near, truth) < (float_path ? 1e-5 : 2e-3));
    CHECK(same_bits(near, all_logits(path, tokens, scalar, one_by_one)));
    CHECK(same_bits(near, found) == float_path);
  }
}

TEST_CASE("fused projections, an untied head, V on full layers") {
  const TemporaryFolder folder;
  const std::vector<Token> tokens = prompt(24);
  SyntheticModel separate, fused;
  fused.fused = true;
  const std::vector<float> a =
      all_logits(folder.write("a.gguf", separate.bytes()), tokens, {.threads = 1}, {});
  const std::vector<float> b =
      all_logits(folder.write("b.gguf", fused.bytes()), tokens, {.threads = 1}, {});
  CHECK(same_bits(a, b));
  SyntheticModel other;
  other.untied = true, other.value_on_full = true;
  const std::string path = folder.write("c.gguf", other.bytes());
  reference::Reference exact(path);
  CHECK(relative_error(all_logits(path, tokens, {.threads = 1}, {.kv = KvType::f32}),
                       exact.forward(tokens).logits) < 0.15);
  CHECK(!Model::load(path, {.threads = 1}).info().layers[2].shares_kv_projection);
}

TEST_CASE("a tensor is the same whatever its layer scale is missing") {
  const TemporaryFolder folder;
  SyntheticModel with, without;
  with.change = [](WrittenTensor& tensor) {
    if (tensor.name.find("layer_output_scale") != std::string::npos)
      tensor.data = std::string("\0\0\x80\x3f", 4);  // 1.0f
  };
  without.change = [](WrittenTensor& tensor) {
    if (tensor.name.find("layer_output_scale") != std::string::npos) tensor.name.clear();
  };
  const std::vector<Token> tokens = prompt(10);
  CHECK(same_bits(all_logits(folder.write("a.gguf", with.bytes()), tokens, {.threads = 1}, {}),
                  all_logits(folder.write("b.gguf", without.bytes()), tokens, {.threads = 1}, {})));
}

TEST_CASE("the memory plan is what inspect says, and a budget one byte short fails") {
  const TemporaryFolder folder;
  const std::string path = folder.write("model.gguf", SyntheticModel{}.bytes());
  const Model model = Model::load(path);
  const SessionOptions options{.context_tokens = 1000, .kv = KvType::f32};
  const MemoryPlan plan = model.plan(options), planned = plan_memory(path, options);
  CHECK(plan.total_bytes() == planned.total_bytes());
  // two sliding layers: window 8 + batch 256 + rollback 64, rounded to chunks, plus one chunk; one
  // full layer: pages of 256
  CHECK(plan.kv_bytes == 2u * 448 * 2 * 2 * 64 * 4 + 1024 * (32 + 128) * 4);
  SessionOptions tight = options;
  tight.memory_budget_bytes = plan.total_bytes() - 1;
  CHECK_THROWS_WITH_AS(Session(model, tight), doctest::Contains("weights"), Error);
  tight.memory_budget_bytes = plan.total_bytes();
  CHECK_NOTHROW(Session(model, tight));
}

}  // namespace gemma4::test
