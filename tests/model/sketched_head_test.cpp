// An assistant whose head is chosen from by a sketch: against the same weights with the whole head
// looked at, and to the bit against itself.
#include <doctest/doctest.h>

#include <algorithm>

#include "decode/allocation_counter.hpp"
#include "gemma4/gemma4.hpp"
#include "io/gguf.hpp"
#include "io/io_test_helpers.hpp"
#include "model/assistant_pair.hpp"

namespace gemma4::test {
namespace {

constexpr std::uint32_t kTokens = kSketchedRows + 8;  // a last tile of eight rows

Pair sketched_pair(TensorType type = TensorType::q6_k, const SyntheticAssistant& like = {}) {
  SyntheticModel model;
  SyntheticAssistant assistant = like;
  model.tokens = assistant.tokens = kTokens;
  model.embedding = TensorType::q4_0;
  assistant.embedding = type;
  return Pair(model, assistant);
}

/// The same weights, of which the sketch is left alone.
AssistantNetwork without_sketch(const Pair& pair, const Model& model) {
  Checkpoint file = open_gguf(pair.assistant);
  AssistantConfig config = read_assistant_config(file.metadata);
  const WeightPlan plan(file, config);
  Weights weights =
      plan.load(file, {*model.impl()->pool, [](std::uint64_t, std::uint64_t) { return true; }, {}});
  config.sketched = false;
  return {std::move(config), std::move(weights), *model.impl()->network};
}

}  // namespace

TEST_CASE("a sketched head finds what the whole head finds") {
  for (const TensorType type : {TensorType::q6_k, TensorType::q4_0, TensorType::bf16}) {
    CAPTURE(std::string(tensor_type_name(type)));
    const Pair pair = sketched_pair(type);
    const Model model = pair.load(2);
    REQUIRE(model.impl()->assistant->config.sketched);
    const AssistantNetwork whole = without_sketch(pair, model);
    DraftSession all(model, whole, KvType::f16, kTokens), few(model, KvType::f16, 64);
    for (DraftSession* session : {&all, &few}) session->evaluate(prompt(30));
    for (int step = 0; step < 5; ++step) {
      const Token token = static_cast<Token>(17 + 1000 * step);
      REQUIRE((step == 0 ? all.start(token) : all.go_on(token)));
      REQUIRE((step == 0 ? few.start(token) : few.go_on(token)));
      CHECK(same_bits(all.next_hidden(), few.next_hidden()));
      const auto best = few.assistant().best();
      REQUIRE(best.size() == 64);
      const std::vector<float> logits = all.logits();
      // of 32,776 tokens 4,096 are looked at: the best are among them, with the logits they have
      for (const DraftChoice& choice : best)
        CHECK(choice.logit == logits[static_cast<std::size_t>(choice.token)]);
      for (std::size_t i = 0; i < 8; ++i) CHECK(best[i].token == all.assistant().best()[i].token);
      CHECK(few.assistant().confidence() >= all.assistant().confidence());
    }
  }
}

TEST_CASE("a sketched head: the same bits for any threads, instruction set and packed file") {
  const Pair pair = sketched_pair();
  const std::vector<float> expected = round_after(pair.load(1), 30);
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avxvnni, Isa::avx512, Isa::neon}) {
    CAPTURE(isa_name(isa));
    if (find_kernels(isa) != nullptr)
      CHECK(same_bits(round_after(pair.load(isa == Isa::scalar ? 2 : 3, isa), 30), expected));
  }
  LoadOptions packed{.threads = 2};
  packed.assistant = pack(pair.assistant).path;
  const Model loaded = Model::load(pair.model, packed);
  CHECK(loaded.impl()->assistant->config.sketched);
  CHECK(same_bits(round_after(loaded, 30), expected));
  CHECK(verify_packed(packed.assistant).bytes > 0);
}

TEST_CASE("a sketch is in the memory plan and in the progress, and no parameter") {
  const Pair pair = sketched_pair();
  std::uint64_t last = 0, total = 0;
  LoadOptions options{.threads = 2};
  options.assistant = pair.assistant;
  options.on_progress = [&](const LoadProgress& p) {
    last = p.done_bytes, total = p.total_bytes;
    return true;
  };
  const Model model = Model::load(pair.model, options);
  CHECK(last == total);
  const AssistantNetwork& network = *model.impl()->assistant;
  const Matrix& sketch = network.network.weights.draft.sketch;
  const std::uint64_t tiles = kTokens / kTileRows + 1;
  CHECK(sketch.bytes() == tiles * 2 * sizeof(SketchBlock));
  CHECK(plan_memory(pair.model, {}, pair.assistant).assistant_bytes ==
        network.network.weights.memory.size_bytes() +
            AssistantNetwork::table_bytes(network.config, network.target.config));
  const AssistantShape shape{3000, 2, kDraftChoices};
  CHECK(Assistant(network, *model.impl()->pool, shape).taken_bytes() ==
        Assistant::bytes(network.config, shape));
  const Pair plain;
  const std::uint64_t rows = kTokens - SyntheticModel::kVocabulary;
  CHECK(model.info().assistant->parameters ==
        plain.load().info().assistant->parameters + rows * SyntheticAssistant::kHidden);
}

TEST_CASE("suppressed tokens of a sketched head are not drafted") {
  const Pair plain = sketched_pair();
  DraftSession free(plain.load(), KvType::f16, 4);
  free.evaluate(prompt(12));
  REQUIRE(free.start(17));
  const auto best = free.assistant().best();
  SyntheticModel model;
  model.tokens = kTokens;
  model.embedding = TensorType::q4_0;
  model.more_keys = [&](GgufWriter& file) {
    file.array<std::int32_t>("tokenizer.ggml.suppress_tokens", {best[0].token, best[2].token});
  };
  SyntheticAssistant assistant;
  assistant.tokens = kTokens;
  const Pair pair(model, assistant);
  DraftSession session(pair.load(2), KvType::f16, 2);
  session.evaluate(prompt(12));
  REQUIRE(session.start(17));
  CHECK(session.assistant().best()[0].token == best[1].token);
  CHECK(session.assistant().best()[1].token == best[3].token);
}

TEST_CASE("a sketched head with numbers that are none") {
  for (const char* name : {"output_norm.weight", "token_embd.weight"}) {
    CAPTURE(name);
    SyntheticAssistant damaged;
    damaged.change = [&](WrittenTensor& tensor) {
      if (tensor.name == name) tensor.data.assign(tensor.data.size(), '\xff');
    };
    const Pair pair = sketched_pair(TensorType::bf16, damaged);
    DraftSession session(pair.load(2), KvType::f16, 8);
    session.evaluate(prompt(12));
    REQUIRE(session.start(17));
    CHECK(session.assistant().best().empty());
    CHECK(session.assistant().confidence() == 0.0f);
  }
}

TEST_CASE("steps with a sketched head do not allocate, and can be cancelled") {
  const Model model = sketched_pair().load(2);
  DraftSession session(model, KvType::f16, 16);
  session.evaluate(prompt(30));
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 5; ++i) {
    session.start(17);
    session.go_on(session.assistant().best()[0].token);
  }
  CHECK(allocation_count() == before);
  check_cancelled_steps(model, 10);
}

TEST_CASE("a packed assistant without its sketch, or with another in its place") {
  const Pair pair = sketched_pair();
  const std::string path = pack(pair.assistant).path;
  const auto error_with = [&](const auto& change) {  // of its tensors; false leaves one out
    Checkpoint file = open_gguf(path);
    TensorDirectory tensors;
    for (TensorView tensor : file.tensors.all()) {
      if (tensor.name != "token_embd.sketch" || change(tensor)) tensors.add(std::move(tensor));
    }
    file.tensors = std::move(tensors);
    AssistantConfig config = read_assistant_config(file.metadata);
    return std::string(error_of([&] { WeightPlan(file, config); }).what());
  };
  CHECK(contains(error_with([](TensorView&) { return false; }),
                 "tensor token_embd.sketch: expected in the file, found no such tensor"));
  CHECK(contains(error_with([](TensorView& tensor) {
                   tensor.type = TensorType::f16x16;
                   return true;
                 }),
                 "tensor token_embd.sketch: expected SKETCHx16, found F16x16"));
  CHECK(contains(error_with([](TensorView& tensor) {
                   tensor.ne[1] -= 8;
                   return true;
                 }),
                 "tensor \"token_embd.sketch\": expected shape [512, 32776], found [512, 32768]"));
}

TEST_CASE("a sketch in the place of a matrix") {
  const Pair pair = sketched_pair();
  Checkpoint file = open_gguf(pack(pair.assistant).path);
  const_cast<TensorView*>(file.tensors.find("blk.0.ffn_up.weight"))->type = TensorType::sketchx16;
  AssistantConfig config = read_assistant_config(file.metadata);
  CHECK(contains(error_of([&] { WeightPlan(file, config); }).what(),
                 "expected tiles in a packed file, found SKETCHx16"));
}

}  // namespace gemma4::test
