// Activations of 16 bits: the same promises as with 8.
#include <doctest/doctest.h>

#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

constexpr std::size_t kLength = 4 * kWindow + 3;

Model load_with(ActivationType activations, int threads = 2, Isa isa = Isa::automatic) {
  LoadOptions options;
  options.threads = threads;
  options.isa = isa;
  options.assistant = tiny_assistant_path();
  options.activations = activations;
  return Model::load(tiny_path(), options);
}

LogitRows rows_of(const Model& model, std::uint32_t chunk = 0, KvType kv = KvType::f16) {
  Session session(model, session_options(kv, chunk));
  return prefill_rows(session, random_tokens(kLength));
}

}  // namespace

TEST_CASE("a Q4_0 pair takes 8 bits unless it is told otherwise, and says what it takes") {
  for (const auto& [asked, taken] : {std::pair(ActivationType::automatic, ActivationType::int8),
                                     std::pair(ActivationType::int8, ActivationType::int8),
                                     std::pair(ActivationType::int16, ActivationType::int16)}) {
    const Model model = load_with(asked);
    CHECK(model.info().activations == taken);
    CHECK(model.info().assistant->activations == taken);
    const Inspection told = inspect(tiny_path(), session_options(), tiny_assistant_path(), asked);
    CHECK(told.info.activations == taken);
    CHECK(told.info.assistant->activations == taken);
    CHECK(told.plan.workspace_bytes == model.plan(session_options()).workspace_bytes);
  }
  CHECK(same_bits(rows_of(load_with(ActivationType::automatic)).row(9),
                  rows_of(load_with(ActivationType::int8)).row(9)));
}

TEST_CASE("16 bits are in the memory plan, to the byte") {
  const MemoryPlan narrow = load_with(ActivationType::int8).plan(session_options());
  const Model model = load_with(ActivationType::int16);
  const MemoryPlan plan = model.plan(session_options());
  CHECK(plan.weights_bytes == narrow.weights_bytes);
  CHECK(plan.assistant_bytes == narrow.assistant_bytes);
  CHECK(plan.kv_bytes == narrow.kv_bytes);
  CHECK(plan.workspace_bytes > narrow.workspace_bytes);
  SessionOptions options = session_options();
  options.memory_budget_bytes = plan.total_bytes();
  CHECK_NOTHROW(Session(model, options));
  --options.memory_budget_bytes;
  CHECK_THROWS_AS(Session(model, options), Error);
}

TEST_CASE("another number is refused by name") {
  const auto message = [](const auto& action) -> std::string {
    try {
      action();
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_argument);
      return error.what();
    }
    return "accepted";
  };
  const auto wrong = static_cast<ActivationType>(7);
  const std::string expected = "activations: expected automatic, int8 or int16, found 7";
  CHECK(message([&] { load_with(wrong); }) == expected);
  CHECK(message([&] { inspect(tiny_path(), {}, {}, wrong); }) == expected);
}

TEST_CASE("16 bits: every instruction set, thread count and way to cut a prompt, the same bits") {
  const LogitRows expected = rows_of(load_with(ActivationType::int16, 1));
  CHECK_FALSE(same_bits(expected.row(9), rows_of(load_with(ActivationType::int8)).row(9)));
  for (const int threads : {2, 3, 7}) {
    const Model model = load_with(ActivationType::int16, threads);
    for (const std::uint32_t chunk : {1u, 7u, 64u, 256u}) {
      CAPTURE(threads);
      CAPTURE(chunk);
      CHECK(first_difference(expected, rows_of(model, chunk)) == -1);
    }
  }
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avxvnni, Isa::avx512, Isa::neon}) {
    CAPTURE(isa_name(isa));
    try {
      const Model model = load_with(ActivationType::int16, 2, isa);
      CHECK(first_difference(expected, rows_of(model)) == -1);
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::unsupported);
      MESSAGE("skipped: " << std::string(error.what()));
    }
  }
  Session session(load_with(ActivationType::int16), session_options());
  CHECK(first_difference(expected, stepwise_rows(session, random_tokens(kLength))) == -1);
}

TEST_CASE("16 bits: queries too, where keys are in q8_0, with the same bits everywhere") {
  const LogitRows expected = rows_of(load_with(ActivationType::int16, 1), 0, KvType::q8_0);
  CHECK_FALSE(same_bits(expected.row(9), rows_of(load_with(ActivationType::int16)).row(9)));
  CHECK(first_difference(expected, rows_of(load_with(ActivationType::int16, 3), 7, KvType::q8_0)) ==
        -1);
  CHECK(first_difference(expected, rows_of(load_with(ActivationType::int16, 2, Isa::scalar), 1,
                                           KvType::q8_0)) == -1);
}

TEST_CASE("16 bits: drafts change the steps, not the tokens") {
  const Model model = load_with(ActivationType::int16);
  SamplingOptions sampling;
  sampling.temperature = 0.7f;
  sampling.seed = 3;
  const auto text = [&](const Speculation& speculation) {
    Session session(model, with(speculation, session_options()));
    session.append_tokens(random_tokens(40));
    while (session.position() < 200) (void)session.decode_step(sampling);
    CHECK((session.statistics().accepted > 0) == (speculation.depth != 0));
    return tokens_of(session);
  };
  const std::vector<Token> plain = text(Speculation::off());
  for (const std::uint32_t depth : {1u, 3u, 7u})
    CHECK(text(Speculation::fixed(depth).by(DrafterKind::mtp)) == plain);
}

}  // namespace gemma4
