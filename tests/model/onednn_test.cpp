// Prefill through oneDNN: close to the reference, the same for any threads, and out of the way of
// everything else. In a build without it: refused by name.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "gemma4/gemma4.hpp"
#include "io/temporary_folder.hpp"
#include "kernels/onednn/gemm.hpp"
#include "kernels/onednn/unpack.hpp"
#include "reference/reference.hpp"
#include "weights/packing.hpp"
#include "weights/synthetic_model.hpp"
#include "weights/weights.hpp"

namespace gemma4::test {
namespace {

const TensorType kTypes[] = {TensorType::f32,  TensorType::f16,  TensorType::bf16,
                             TensorType::q4_0, TensorType::q8_0, TensorType::q6_k};

std::vector<Token> prompt(std::size_t size) {
  Random random(47);
  std::vector<Token> tokens = {2};
  while (tokens.size() < size)
    tokens.push_back(static_cast<Token>(random.bits() % SyntheticModel::kVocabulary));
  return tokens;
}

std::vector<float> all_logits(const std::string& path, std::span<const Token> tokens,
                              const LoadOptions& load, std::uint32_t chunk = 0) {
  const Model model = Model::load(path, load);
  Session session(model, {.kv = KvType::f32, .prefill_chunk_tokens = chunk});
  std::vector<float> logits;
  session.prefill_tokens(tokens, [&](std::uint32_t, std::span<const float> row) {
    logits.insert(logits.end(), row.begin(), row.end());
  });
  return logits;
}

LoadOptions onednn(int threads) { return {.threads = threads, .prefill = Prefill::onednn}; }

double relative_error(const std::vector<float>& found, const reference::Matrix& exact) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double d = found[i] - exact.data()[i];
    difference += d * d;
    size += exact.data()[i] * exact.data()[i];
  }
  return std::sqrt(difference / size);
}

/// Float products differ by the order of their sums; with bf16 activations the attention of random
/// weights, all but an argmax, magnifies their rounding as it does that of the kernels' 8-bit ones
/// (model_kinds_test.cpp: 0.15).
double tolerance(TensorType type) {
  if (type == TensorType::f32 || type == TensorType::f16 || !Gemm::fast_bf16()) return 1e-5;
  return type == TensorType::bf16 ? 0.05 : 0.15;
}

std::size_t threads_of_process() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count;
}

}  // namespace

TEST_CASE("tiles unpack to the values of the file") {
  Random random(5);
  for (const TensorType type : kTypes) {
    const std::uint32_t columns = 512;
    Matrix matrix{matrix_format_of(type), kTileRows, columns, nullptr};
    std::vector<std::byte> tile(matrix.bytes());
    for (std::byte& b : tile) b = static_cast<std::byte>(random.bits());
    matrix.data = tile.data();
    std::vector<float> rows(kTileRows * columns), row(columns);
    std::vector<std::uint16_t> narrowed(rows.size()), expected(rows.size());
    unpack_tile(matrix.format, tile.data(), columns, rows.data());
    unpack_tile(matrix.format, tile.data(), columns, narrowed.data());
    CAPTURE(std::string(tensor_type_name(type)));
    for (std::uint32_t r = 0; r < kTileRows; ++r) {
      read_row(matrix, r, row);
      CHECK(std::memcmp(row.data(), rows.data() + r * columns, columns * sizeof(float)) == 0);
    }
    narrow(rows.data(), rows.size(), expected.data());
    CHECK(narrowed == expected);
  }
}

TEST_CASE("floats round to bf16") {
  const float inf = std::numeric_limits<float>::infinity();
  const float values[] = {0.0f, -0.0f, 1.0f, 1.00390625f, 1.01171875f, 3.4028235e38f, inf, -inf};
  const std::uint16_t bits[] = {0, 0x8000, 0x3f80, 0x3f80, 0x3f82, 0x7f80, 0x7f80, 0xff80};
  std::uint16_t found[8];
  narrow(values, 8, found);
  for (int i = 0; i < 8; ++i) CHECK(found[i] == bits[i]);
  const float nan = std::bit_cast<float>(0x7fffffffu);
  narrow(&nan, 1, found);
  CHECK(std::isnan(bf16_to_float(found[0])));
}

TEST_CASE("a build without oneDNN refuses it by name") {
  if (Gemm::available()) return;
  const TemporaryFolder folder;
  const std::string path = folder.write("model.gguf", SyntheticModel{}.bytes());
  CHECK_THROWS_WITH_AS(Model::load(path, onednn(1)), doctest::Contains("prefill"), Error);
}

TEST_CASE("products of any number of rows") {
  if (!Gemm::available()) return;
  const std::uint32_t columns = 96;
  Random random(6);
  for (const GemmType type : {GemmType::f32, GemmType::bf16}) {
    if (type == GemmType::bf16 && !Gemm::fast_bf16()) continue;
    const GemmShape shape{type, columns};
    const Gemm gemm({&shape, 1}, 1);
    std::vector<float> a(300 * columns), w(kGemmOutputs * columns), out(300 * kGemmOutputs);
    std::vector<std::uint16_t> narrow_a(a.size()), narrow_w(w.size());
    for (float& x : a) x = random.unit();
    for (float& x : w) x = random.unit();
    narrow(a.data(), a.size(), narrow_a.data());
    narrow(w.data(), w.size(), narrow_w.data());
    const bool whole = type == GemmType::f32;
    for (const std::uint32_t rows : {32u, 33u, 63u, 200u, 256u, 300u}) {
      gemm.multiply(0, shape, whole ? static_cast<const void*>(a.data()) : narrow_a.data(), rows,
                    whole ? static_cast<const void*>(w.data()) : narrow_w.data(), out.data());
      double worst = 0;
      for (std::uint32_t i = 0; i < rows; ++i) {
        for (std::uint32_t j = 0; j < kGemmOutputs; ++j) {
          double sum = 0;
          for (std::uint32_t k = 0; k < columns; ++k) {
            const std::size_t at = i * columns + k, of = j * columns + k;
            sum += whole ? double{a[at]} * w[of]
                         : double{bf16_to_float(narrow_a[at])} * bf16_to_float(narrow_w[of]);
          }
          worst = std::max(worst, std::abs(sum - out[i * kGemmOutputs + j]));
        }
      }
      CAPTURE(rows);
      CHECK(worst < 1e-5 * columns);
    }
  }
}

TEST_CASE("prefill through oneDNN is close to the reference, for any threads the same") {
  if (!Gemm::available()) return;
  const TemporaryFolder folder;
  const std::vector<Token> tokens = prompt(77);
  for (const TensorType type : kTypes) {
    SyntheticModel model;
    model.matrices = model.embedding = type;
    const std::string path = folder.write("model.gguf", model.bytes());
    reference::Reference exact(path);
    const reference::Matrix truth = exact.forward(tokens).logits;
    const std::vector<float> found = all_logits(path, tokens, onednn(1));
    CAPTURE(std::string(tensor_type_name(type)));
    CHECK(relative_error(found, truth) < tolerance(type));
    CHECK(same_bits(found, all_logits(path, tokens, onednn(3))));
    // what oneDNN is not asked for has the kernels' bits
    CHECK(same_bits(all_logits(path, tokens, onednn(2), kGemmMinRows - 1),
                    all_logits(path, tokens, {.threads = 1})));
  }
}

TEST_CASE("V on full layers, an untied head, mixed formats") {
  if (!Gemm::available()) return;
  const TemporaryFolder folder;
  SyntheticModel model;
  model.untied = model.value_on_full = true;
  model.change = [](WrittenTensor& tensor) {  // gate and up of different formats
    if (tensor.name != "blk.1.ffn_up.weight") return;
    tensor.type = static_cast<std::uint32_t>(TensorType::f32);
    tensor.data.clear();
    Random random(8);
    for (int i = 0; i < 256 * 512; ++i) append_number(tensor.data, 0.1f * random.unit());
  };
  const std::string path = folder.write("model.gguf", model.bytes());
  const std::vector<Token> tokens = prompt(40);
  reference::Reference exact(path);
  CHECK(relative_error(all_logits(path, tokens, onednn(2)), exact.forward(tokens).logits) <
        tolerance(TensorType::q4_0));
}

TEST_CASE("oneDNN starts no threads, and its scratch is in the plan") {
  if (!Gemm::available()) return;
  const TemporaryFolder folder;
  const std::string path = folder.write("model.gguf", SyntheticModel{}.bytes());
  const std::size_t before = threads_of_process();
  const Model model = Model::load(path, onednn(2)), plain = Model::load(path, {.threads = 1});
  Session session(model);
  session.append_tokens(prompt(300));
  session.prefill();
  CHECK(threads_of_process() == before + 1);  // the pool's own
  CHECK(model.plan().weights_bytes > plain.plan().weights_bytes);
  CHECK(model.plan().kv_bytes == plain.plan().kv_bytes);
  LoadOptions tight = onednn(2);
  tight.memory_budget_bytes = model.plan().weights_bytes - 1;
  CHECK_THROWS_WITH_AS(Model::load(path, tight), doctest::Contains("budget"), Error);
}

}  // namespace gemma4::test
