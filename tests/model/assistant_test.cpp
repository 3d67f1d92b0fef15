// The assistant's draft step: against the double-precision reference, and to the bit against
// itself.
#include "model/assistant.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "decode/allocation_counter.hpp"
#include "gemma4/gemma4.hpp"
#include "io/gguf.hpp"
#include "io/temporary_folder.hpp"
#include "model/assistant_pair.hpp"
#include "reference/reference.hpp"
#include "weights/hf_folder.hpp"
#include "weights/plain_tensors.hpp"
#include "weights/synthetic_assistant.hpp"

namespace gemma4::test {
namespace {

/// Weights that are exact in float, so that only the order of sums tells two programs apart.
Pair exact_pair() {
  SyntheticModel model;
  SyntheticAssistant assistant;
  model.matrices = model.embedding = assistant.matrices = assistant.embedding = TensorType::f32;
  return Pair(model, assistant);
}

/// Of float programs after some steps, each of which takes what the last one left: the attention of
/// random weights magnifies rounding tenfold. One key too many or too few shows as 1e-2.
constexpr double kExact = 1e-4;

/// ||found - exact|| / ||exact|| over the finite ones; infinity when they are not finite together.
double relative_error(std::span<const float> found, const reference::Matrix& exact) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double e = exact(0, static_cast<Eigen::Index>(i));
    if (std::isfinite(e) != std::isfinite(found[i])) return INFINITY;
    if (!std::isfinite(e)) continue;
    difference += (found[i] - e) * (found[i] - e);
    size += e * e;
  }
  return std::sqrt(difference / size);
}

/// Makes of a copy of the tiny assistant the folder of a synthetic one with a centroid head.
void write_centroid_folder(const HfCopy& copy, const std::string& gguf, std::uint32_t tokens,
                           std::uint32_t centroids) {
  using Assistant = SyntheticAssistant;
  std::string config = copy.original("config.json");
  const auto set = [&](const std::string& key, const std::string& from, const std::string& to) {
    config = replaced(config, "\"" + key + "\": " + from, "\"" + key + "\": " + to);
  };
  const auto number = [&](const std::string& key, const char* from, std::uint32_t to) {
    set(key, from, std::to_string(to));
  };
  number("vocab_size", "1536", tokens);
  number("hidden_size", "128", Assistant::kHidden);
  number("intermediate_size", "256", Assistant::kFeedForward);
  number("num_attention_heads", "4", Assistant::kHeads);
  number("head_dim", "32", Assistant::head_size(0));
  number("global_head_dim", "64", Assistant::head_size(3));
  number("sliding_window", "64", SyntheticModel::kWindow);
  number("backbone_hidden_size", "192", SyntheticModel::kHidden);
  number("num_centroids", "2048", centroids);
  set("use_ordered_embeddings", "false", "true");
  copy.write("config.json", replaced(config, "\"quantization_config\"", "\"another_config\""));
  std::string index;
  copy.write("model.safetensors",
             plain_tensors(open_gguf(gguf), true, TensorType::f32, 0, 1, index));
}

}  // namespace

TEST_CASE("draft steps follow the reference before, at and after the window's edge") {
  const Pair pair = exact_pair();
  const Model model = pair.load(2);
  const std::vector<Token> tokens = prompt(150);
  reference::Reference exact(pair.model, pair.assistant);
  DraftSession session(model, KvType::f32, SyntheticModel::kVocabulary);
  std::size_t done = 0;
  for (const std::size_t n : {1u, 2u, 6u, 7u, 8u, 9u, 10u, 63u, 64u, 65u, 72u, 128u, 149u}) {
    CAPTURE(n);
    const std::span<const Token> next = std::span(tokens).subspan(done, n - done);
    session.evaluate(next);
    reference::Matrix state = exact.forward(next).hidden.bottomRows(1);
    done = n;
    CHECK(relative_error(session.hidden(), state) < 1e-5);
    for (int step = 0; step < 3; ++step) {
      const Token token = tokens[n + static_cast<std::size_t>(step) == 150 ? 3 : n];
      REQUIRE((step == 0 ? session.start(token) : session.go_on(token)));
      const reference::Draft draft = exact.draft_step(token, state);
      state = draft.state;
      CHECK(session.assistant().best().size() == SyntheticModel::kVocabulary);
      CHECK(relative_error(session.logits(), draft.logits) < kExact);
      CHECK(relative_error(session.next_hidden(), state) < kExact);
    }
  }
}

TEST_CASE("hidden rows come with their logits and stay until the next ones") {
  const Pair pair;
  const Model model = pair.load(2);
  const Network& network = *model.impl()->network;
  Workspace work(network.config, {.batch = 16, .context = 64, .threads = 2});
  KvCache cache(network.config, KvType::f16, 64, 16);
  Forward forward(network, *model.impl()->pool, work);
  const std::vector<Token> tokens = prompt(17);
  REQUIRE(forward.run(std::span(tokens).first(16), 0, cache, nullptr));
  REQUIRE(forward.logits(5, kLogitRows, nullptr));
  std::vector<std::vector<float>> rows;
  for (std::uint32_t i = 0; i < kLogitRows; ++i)
    rows.emplace_back(forward.hidden_row(i).begin(), forward.hidden_row(i).end());
  CHECK(!same_bits(rows[0], rows[1]));
  for (std::uint32_t i = 0; i < kLogitRows; ++i) {
    REQUIRE(forward.logits(5 + i, 1, nullptr));
    CHECK(same_bits({forward.hidden_row(0).begin(), forward.hidden_row(0).end()}, rows[i]));
  }
  REQUIRE(forward.run(std::span(tokens).last(1), 16, cache, nullptr));
  CHECK(same_bits({forward.hidden_row(0).begin(), forward.hidden_row(0).end()}, rows.back()));
}

TEST_CASE("an assistant of every weight type, in every matrix") {
  const std::vector<Token> tokens = prompt(40);  // five windows
  for (const TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q4_0, TensorType::q8_0,
        TensorType::q6_k, TensorType::q4_1, TensorType::q5_0, TensorType::q4_k, TensorType::q5_k}) {
    SyntheticModel target;  // exact, so that the differences are the assistant's own
    target.matrices = target.embedding = TensorType::f32;
    SyntheticAssistant assistant;
    assistant.matrices = assistant.embedding = type;
    const Pair pair(target, assistant);
    DraftSession session(pair.load(2), KvType::f32, SyntheticModel::kVocabulary);
    session.evaluate(tokens);
    reference::Reference exact(pair.model, pair.assistant);
    const reference::Matrix hidden = exact.forward(tokens).hidden.bottomRows(1);
    const reference::Draft draft = exact.draft_step(17, hidden);
    REQUIRE(session.start(17));
    // as in model_kinds_test.cpp
    const bool float_path =
        type != TensorType::q4_0 && type != TensorType::q8_0 && type != TensorType::q6_k;
    CAPTURE(std::string(tensor_type_name(type)));
    CHECK(relative_error(session.logits(), draft.logits) < (float_path ? 1e-5 : 0.15));
    CHECK(relative_error(session.next_hidden(), draft.state) < (float_path ? 1e-5 : 0.15));
  }
}

TEST_CASE("any number of threads and every instruction set give the same bits") {
  const Pair pair;
  for (const std::size_t tokens : {5u, 70u, 1100u}) {  // the last: two segments of full attention
    CAPTURE(tokens);
    const std::vector<float> expected = round_after(pair.load(1), tokens);
    for (const int threads : {2, 3})
      CHECK(same_bits(round_after(pair.load(threads), tokens), expected));
    for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avxvnni, Isa::avx512, Isa::neon}) {
      CAPTURE(isa_name(isa));
      if (find_kernels(isa) == nullptr) continue;
      CHECK(same_bits(round_after(pair.load(2, isa), tokens), expected));
    }
  }
}

TEST_CASE("the few best are the first of all, and the confidence is the softmax's") {
  const Pair pair;
  const Model model = pair.load(3);
  DraftSession all(model, KvType::f16, SyntheticModel::kVocabulary), few(model, KvType::f16, 5),
      one(model, KvType::f16, 1);
  for (DraftSession* session : {&all, &few, &one}) {
    session->evaluate(prompt(30));
    REQUIRE(session->start(44));
  }
  const auto best = all.assistant().best();
  REQUIRE(best.size() == SyntheticModel::kVocabulary);
  double sum = 0;
  for (std::size_t i = 0; i < best.size(); ++i) {
    sum += std::exp(double{best[i].logit} - best[0].logit);
    if (i > 0) CHECK(best[i].logit <= best[i - 1].logit);
  }
  CHECK(all.assistant().confidence() == doctest::Approx(1 / sum).epsilon(1e-5));
  REQUIRE(few.assistant().best().size() == 5);
  REQUIRE(one.assistant().best().size() == 1);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(few.assistant().best()[i].token == best[i].token);
    CHECK(few.assistant().best()[i].logit == best[i].logit);
  }
  CHECK(one.assistant().best()[0].token == best[0].token);
  CHECK(one.assistant().confidence() == all.assistant().confidence());
}

TEST_CASE("equal logits: the lower token first") {
  std::vector<DraftChoice> room(3);
  BestChoices choices{room};
  choices.begin(3);
  for (const Token token : {9, 4, 7, 1, 8}) choices.offer({token == 8 ? 2.0f : 1.0f, token});
  REQUIRE(choices.count == 3);
  CHECK(room[0].token == 8);
  CHECK(room[1].token == 1);
  CHECK(room[2].token == 4);
  SyntheticAssistant assistant;  // a head of equal rows
  assistant.embedding = TensorType::f32;
  assistant.change = [](WrittenTensor& tensor) {
    if (tensor.name != "token_embd.weight") return;
    const std::size_t row = SyntheticAssistant::kHidden * sizeof(float);
    for (std::size_t at = row; at < tensor.data.size(); at += row)
      tensor.data.replace(at, row, tensor.data, 0, row);
  };
  const Pair pair({}, assistant);
  for (const int threads : {1, 3}) {
    DraftSession session(pair.load(threads), KvType::f16, 4);
    session.evaluate(prompt(10));
    REQUIRE(session.start(17));
    for (Token token = 0; token < 4; ++token)
      CHECK(session.assistant().best()[static_cast<std::size_t>(token)].token == token);
    CHECK(session.assistant().confidence() == doctest::Approx(1.0 / SyntheticModel::kVocabulary));
  }
}

TEST_CASE("a centroid head looks where the reference looks") {
  SyntheticModel model;
  SyntheticAssistant assistant;
  model.tokens = assistant.tokens = 2048;
  model.matrices = model.embedding = assistant.matrices = assistant.embedding = TensorType::f32;
  for (const auto& [centroids, type] :
       {std::pair{64u, TensorType::i64}, {128u, TensorType::i32}, {16u, TensorType::i64}}) {
    CAPTURE(centroids);
    assistant.centroids = centroids;
    assistant.ordering = type;
    const Pair pair(model, assistant);
    const Model loaded = pair.load(2);
    REQUIRE(loaded.info().assistant.has_value());
    CHECK(loaded.info().assistant->centroids == centroids);
    DraftSession session(loaded, KvType::f32, 2048);
    session.evaluate(prompt(20));
    reference::Reference exact(pair.model, pair.assistant);
    reference::Matrix state = exact.forward(prompt(20)).hidden.bottomRows(1);
    for (const Token token : {17, 1800, 3}) {
      REQUIRE((token == 17 ? session.start(token) : session.go_on(token)));
      const reference::Draft draft = exact.draft_step(token, state);
      state = draft.state;
      CHECK(session.assistant().best().size() == 2048 / centroids * std::min(32u, centroids));
      CHECK(relative_error(session.logits(), draft.logits) < kExact);
      CHECK(relative_error(session.next_hidden(), draft.state) < kExact);
    }
  }
}

TEST_CASE("a centroid head gives the same bits for any threads and from a packed file") {
  SyntheticModel model;
  SyntheticAssistant assistant;
  model.tokens = assistant.tokens = 2048;
  assistant.centroids = 64;
  const Pair pair(model, assistant);
  const std::vector<float> expected = round_after(pair.load(1), 30);
  for (const Isa isa : {Isa::scalar, Isa::automatic})
    CHECK(same_bits(round_after(pair.load(3, isa), 30), expected));
  LoadOptions packed;
  packed.assistant = pack(pair.assistant).path;
  const Model loaded = Model::load(pair.model, packed);
  CHECK(loaded.info().assistant->packed_path == packed.assistant);
  CHECK(same_bits(round_after(loaded, 30), expected));
  CHECK(verify_packed(packed.assistant).bytes > 0);
  packed.assistant = pair.assistant;
  packed.packed_path = pair.folder.path("");  // found beside the source
  CHECK(!Model::load(pair.model, packed).info().assistant->packed_path.empty());
}

TEST_CASE("a centroid head from a folder drafts what the GGUF of the same weights drafts") {
  SyntheticModel model;
  SyntheticAssistant assistant;
  model.tokens = assistant.tokens = 1024;
  assistant.centroids = 64;
  for (const auto& [type, ordering] : {std::pair(TensorType::f32, TensorType::i64),
                                       std::pair(TensorType::bf16, TensorType::i32)}) {
    CAPTURE(std::string(tensor_type_name(type)));
    assistant.matrices = assistant.embedding = type;
    assistant.ordering = ordering;
    const Pair pair(model, assistant);
    const HfCopy folder(hf_assistant());
    write_centroid_folder(folder, pair.assistant, 1024, 64);
    LoadOptions options{.threads = 2};
    options.assistant = folder.path();
    const Model loaded = Model::load(pair.model, options);
    CHECK(loaded.info().assistant->centroids == 64);
    CHECK(same_bits(round_after(loaded, 30), round_after(pair.load(2), 30)));
  }
}

TEST_CASE("centroid heads that a folder contradicts are refused") {
  SyntheticAssistant assistant;
  assistant.tokens = 1024;
  assistant.centroids = 64;
  const TemporaryFolder place;
  const std::string gguf = place.write("assistant.gguf", assistant.bytes());
  const HfCopy folder(hf_assistant());
  write_centroid_folder(folder, gguf, 1024, 64);
  const std::string config = read_file(folder.path() + "config.json");
  const auto refused = [&](ErrorCode code, const char* expected) {
    const Error error = error_of([&] { open_checkpoint(folder.path()); });
    CAPTURE(error.what());
    CHECK(error.code() == code);
    CHECK(contains(error.what(), expected));
  };
  CHECK_NOTHROW(open_checkpoint(folder.path()));
  folder.write("config.json", replaced(config, "\"centroid_intermediate_top_k\": 32",
                                       "\"centroid_intermediate_top_k\": 16"));
  refused(ErrorCode::unsupported, "\"centroid_intermediate_top_k\": expected 32, found 16");
  folder.write("config.json", replaced(config, "\"num_centroids\": 64", "\"num_centroids\": 80"));
  refused(ErrorCode::format,
          "centroids.weight\": expected 80 rows, as num_centroids says, found 64");
  folder.write("config.json", config);
  for (const char* left :
       {"masked_embedding.token_ordering", "masked_embedding.centroids.weight"}) {
    const std::string whole = folder.path();
    const HfCopy other(whole);
    other.write("model.safetensors", rewritten(
                                         [&](auto& name, auto&, auto&, auto&) {
                                           if (name == left) name.clear();
                                         },
                                         whole));
    const Error error = error_of([&] { open_checkpoint(other.path()); });
    CHECK(error.code() == ErrorCode::format);
    CHECK(contains(error.what(), std::string(left) + "\": expected it, as use_ordered_embeddings"));
  }
}

TEST_CASE("suppressed tokens are not drafted") {
  const Pair plain;
  DraftSession free(plain.load(), KvType::f16, SyntheticModel::kVocabulary);
  free.evaluate(prompt(12));
  REQUIRE(free.start(17));
  const Token best = free.assistant().best()[0].token, third = free.assistant().best()[2].token;
  const double first_logit = free.assistant().best()[0].logit;
  SyntheticModel model;
  model.more_keys = [&](GgufWriter& file) {
    file.array<std::int32_t>("tokenizer.ggml.suppress_tokens", {best, third});
  };
  const Pair pair(model, {});
  DraftSession session(pair.load(2), KvType::f16, SyntheticModel::kVocabulary);
  session.evaluate(prompt(12));
  REQUIRE(session.start(17));
  const auto found = session.assistant().best();
  REQUIRE(found.size() == SyntheticModel::kVocabulary - 2);
  CHECK(found[0].token == free.assistant().best()[1].token);
  CHECK(found[1].token == free.assistant().best()[3].token);
  // what is left shares the probability of what is gone
  const double gone = (1 + std::exp(free.assistant().best()[2].logit - first_logit)) *
                      double{free.assistant().confidence()};
  const double second =
      std::exp(found[0].logit - first_logit) * double{free.assistant().confidence()};
  CHECK(session.assistant().confidence() == doctest::Approx(second / (1 - gone)).epsilon(1e-4));
}

TEST_CASE("logits that are no numbers give no drafts") {
  SyntheticModel model;
  SyntheticAssistant assistant;
  model.tokens = assistant.tokens = 2048;
  assistant.change = [](WrittenTensor& tensor) {
    if (tensor.name == "output_norm.weight") tensor.data.assign(tensor.data.size(), '\xff');
  };
  for (const std::uint32_t centroids : {0u, 64u}) {
    assistant.centroids = centroids;
    const Pair pair(model, assistant);
    DraftSession session(pair.load(2), KvType::f16, 8);
    session.evaluate(prompt(12));
    REQUIRE(session.start(17));
    CHECK(session.assistant().best().empty());
    CHECK(session.assistant().confidence() == 0.0f);
  }
}

TEST_CASE("drafting leaves no trace in the model's own work") {
  const Pair pair;
  const Model model = pair.load(2);
  DraftSession with(model), without(model);
  for (int i = 0; i < 3; ++i) {
    const std::vector<Token> tokens = prompt(20 + static_cast<std::size_t>(i));
    with.evaluate(tokens);
    without.evaluate(tokens);
    CHECK(same_bits({with.target_logits().begin(), with.target_logits().end()},
                    {without.target_logits().begin(), without.target_logits().end()}));
    CHECK(same_bits({with.hidden().begin(), with.hidden().end()},
                    {without.hidden().begin(), without.hidden().end()}));
    (void)round_of(with);
    CHECK(same_bits({with.target_logits().begin(), with.target_logits().end()},
                    {without.target_logits().begin(), without.target_logits().end()}));
  }
}

TEST_CASE("draft steps do not allocate") {
  const Pair pair;
  for (const int threads : {1, 2}) {
    DraftSession session(pair.load(threads), KvType::f16, 64);
    session.evaluate(prompt(1100));
    const std::uint64_t before = allocation_count();
    for (int i = 0; i < 20; ++i) {
      session.start(17);
      session.go_on(session.assistant().best()[0].token);
    }
    CHECK(allocation_count() == before);
  }
}

TEST_CASE("a cancelled step says so, and the next one is as ever") {
  check_cancelled_steps(Pair().load(2), 5);
}

TEST_CASE("the assistant is in the memory plan, to the byte") {
  const Pair pair;
  const Model with = pair.load(2), without = Model::load(pair.model, {.threads = 2});
  const SessionOptions options{.context_tokens = 3000};
  const MemoryPlan plan = with.plan(options), bare = without.plan(options);
  CHECK(bare.assistant_bytes == 0);
  CHECK(!without.info().assistant.has_value());
  CHECK(plan.weights_bytes == bare.weights_bytes);
  CHECK(plan.kv_bytes == bare.kv_bytes);
  const AssistantNetwork& network = *with.impl()->assistant;
  CHECK(plan.assistant_bytes ==
        network.network.weights.memory.size_bytes() +
            AssistantNetwork::table_bytes(network.config, network.target.config));
  const AssistantShape shape{3000, 2, kDraftChoices};
  CHECK(plan.workspace_bytes == bare.workspace_bytes + Assistant::bytes(network.config, shape));
  // memory that is taken, and nothing beside it
  CHECK(Assistant(network, *with.impl()->pool, shape).taken_bytes() ==
        Assistant::bytes(network.config, shape));
  const MemoryPlan planned = plan_memory(pair.model, options, pair.assistant);
  CHECK(planned.assistant_bytes == plan.assistant_bytes);
  LoadOptions load{.threads = 2};
  load.assistant = pair.assistant;
  load.memory_budget_bytes = plan.weights_bytes + plan.assistant_bytes - 1;
  CHECK_THROWS_WITH_AS(Model::load(pair.model, load), doctest::Contains("budget"), Error);
  load.memory_budget_bytes += 1;
  CHECK_NOTHROW(Model::load(pair.model, load));
  SessionOptions tight = options;
  tight.memory_budget_bytes = plan.total_bytes() - 1;
  CHECK_THROWS_WITH_AS(Session(with, tight), doctest::Contains("assistant"), Error);
  tight.memory_budget_bytes += 1;
  CHECK_NOTHROW(Session(with, tight));
}

TEST_CASE("loading tells the progress of both files as one") {
  const Pair pair;
  std::uint64_t last = 0, total = 0;
  LoadOptions options{.threads = 2};
  options.assistant = pair.assistant;
  options.on_progress = [&](const LoadProgress& p) {
    CHECK(p.done_bytes > last);
    CHECK((total == 0 || p.total_bytes == total));
    last = p.done_bytes, total = p.total_bytes;
    return true;
  };
  const Model model = Model::load(pair.model, options);
  CHECK(last == total);
  const std::uint64_t model_bytes = model.info().file_bytes;
  CHECK(total > model_bytes);
  options.on_progress = [&](const LoadProgress& p) { return p.done_bytes < model_bytes; };
  CHECK_THROWS_WITH_AS(Model::load(pair.model, options), doctest::Contains("assistant.gguf"),
                       Error);
}

TEST_CASE("the assistant's facts") {
  const Pair pair;
  const Inspection inspection = inspect(pair.model, {}, pair.assistant);
  REQUIRE(inspection.info.assistant.has_value());
  const AssistantInfo& info = *inspection.info.assistant;
  CHECK(info.name == "a synthetic assistant");
  CHECK(info.path == pair.assistant);
  CHECK(info.hidden_size == SyntheticAssistant::kHidden);
  CHECK(info.query_heads == SyntheticAssistant::kHeads);
  REQUIRE(info.layers.size() == 4);
  CHECK(!info.layers[0].full_attention);
  CHECK(info.layers[3].full_attention);
  CHECK(info.layers[3].kv_heads == 1);
  CHECK(info.centroids == 0);
  CHECK(info.tensors == 49);
  CHECK(info.packed_path.empty());
  const std::uint64_t h = SyntheticAssistant::kHidden, f = SyntheticAssistant::kFeedForward;
  std::uint64_t parameters = 512 * h + h + 3 * 256 * h;
  for (std::uint32_t i = 0; i < 4; ++i)
    parameters += 2 * h * 8 * SyntheticAssistant::head_size(i) + 3 * h * f + 4 * h +
                  SyntheticAssistant::head_size(i) + 1;
  CHECK(info.parameters == parameters);
}

}  // namespace gemma4::test
