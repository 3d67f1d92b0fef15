// Activations of 8 and of 16 bits, of a GGUF and of a W4A16 folder: the same promises.
#include <doctest/doctest.h>

#include "session/plain_text.hpp"

namespace gemma4 {
namespace {

using namespace testing;

constexpr std::size_t kLength = 4 * kWindow + 3;

/// For the scalar kernels, which take a hundred times as long: just over the window's edge.
constexpr std::size_t kShort = kWindow + 3;

/// The GGUF, and the folder of the same weights with a scale format and a head of its own.
const std::string kPaths[] = {tiny_path(), tiny_folder_path()};
constexpr ActivationType kBoth[] = {ActivationType::int8, ActivationType::int16};

Model load_with(ActivationType activations, int threads = 2, Isa isa = Isa::automatic,
                const std::string& path = tiny_path()) {
  LoadOptions options;
  options.threads = threads;
  options.isa = isa;
  options.assistant = path == tiny_path() ? tiny_assistant_path() : tiny_assistant_folder_path();
  options.activations = activations;
  return Model::load(path, options);
}

LogitRows rows_of(const Model& model, std::uint32_t chunk = 0, KvType kv = KvType::f16,
                  std::size_t length = kLength) {
  Session session(model, session_options(kv, chunk));
  return prefill_rows(session, random_tokens(length));
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

TEST_CASE("every instruction set, thread count and way to cut a prompt, the same bits") {
  for (const std::string& path : kPaths) {
    CAPTURE(path);
    const LogitRows narrow = rows_of(load_with(ActivationType::int8, 1, Isa::automatic, path)),
                    wide = rows_of(load_with(ActivationType::int16, 1, Isa::automatic, path));
    CHECK_FALSE(same_bits(narrow.row(9), wide.row(9)));
    for (const ActivationType activations : kBoth) {
      CAPTURE(std::string(activation_type_name(activations)));
      const LogitRows& expected = activations == ActivationType::int8 ? narrow : wide;
      for (const auto& [threads, chunk] :
           {std::pair(2, 1u), std::pair(3, 7u), std::pair(7, 64u), std::pair(2, 256u)}) {
        CAPTURE(threads);
        CAPTURE(chunk);
        const Model model = load_with(activations, threads, Isa::automatic, path);
        CHECK(first_difference(expected, rows_of(model, chunk)) == -1);
      }
      for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avxvnni, Isa::avx512, Isa::neon}) {
        CAPTURE(isa_name(isa));
        try {
          const Model model = load_with(activations, 2, isa, path);
          const std::size_t length = isa == Isa::scalar ? kShort : kLength;
          CHECK(first_difference(expected, rows_of(model, 0, KvType::f16, length)) == -1);
        } catch (const Error& error) {
          REQUIRE(error.code() == ErrorCode::unsupported);
          MESSAGE("skipped: " << std::string(error.what()));
        }
      }
      Session session(load_with(activations, 2, Isa::automatic, path), session_options());
      CHECK(first_difference(expected, stepwise_rows(session, random_tokens(kLength))) == -1);
    }
  }
}

TEST_CASE("where keys are in q8_0, queries are as wide, with the same bits everywhere") {
  for (const std::string& path : kPaths) {
    for (const ActivationType activations : kBoth) {
      CAPTURE(path);
      CAPTURE(std::string(activation_type_name(activations)));
      const auto load = [&](int threads, Isa isa = Isa::automatic) {
        return load_with(activations, threads, isa, path);
      };
      const LogitRows expected = rows_of(load(1), 0, KvType::q8_0);
      CHECK_FALSE(same_bits(expected.row(9), rows_of(load(2)).row(9)));
      CHECK(first_difference(expected, rows_of(load(3), 7, KvType::q8_0)) == -1);
      CHECK(first_difference(expected, rows_of(load(2, Isa::scalar), 1, KvType::q8_0, 24)) == -1);
    }
  }
}

TEST_CASE("drafts change the steps, not the tokens or the logits, with either activations") {
  SamplingOptions sampling;
  sampling.temperature = 0.7f;
  sampling.seed = 3;
  for (const std::string& path : kPaths) {
    for (const ActivationType activations : kBoth) {
      CAPTURE(path);
      CAPTURE(std::string(activation_type_name(activations)));
      const Model model = load_with(activations, 2, Isa::automatic, path);
      const PlainText plain = plain_text(model, 40, 140, sampling);
      for (const std::uint32_t depth : {1u, 3u, 7u}) {
        CAPTURE(depth);
        Session session(model,
                        with(Speculation::fixed(depth).by(DrafterKind::mtp), session_options()));
        session.append_tokens(std::span(plain.tokens).first(40));
        CHECK(first_difference(session, plain, plain.tokens.size(), sampling) == -1);
        CHECK(session.statistics().accepted > 0);
      }
    }
  }
}

}  // namespace gemma4
