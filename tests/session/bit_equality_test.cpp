// One arithmetic: logits have the same bits whatever computes them and however the work is cut.
#include <doctest/doctest.h>

#include <thread>

#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

constexpr KvType kRowTypes[] = {KvType::f16, KvType::f32, KvType::q8_0};
constexpr std::size_t kLongest = 8 * kWindow + 3;
constexpr std::size_t kLengths[] = {kWindow - 1, kWindow, kWindow + 1, 2 * kWindow, kLongest};

// What everything else is compared with: the fastest kernels, one thread, the prompt in the largest
// pieces.
const LogitRows& expected_rows(KvType kv) {
  static const auto evaluate = [](KvType type) {
    Session session(load_tiny(1), session_options(type));
    return prefill_rows(session, random_tokens(kLongest));
  };
  static const LogitRows f16 = evaluate(KvType::f16), f32 = evaluate(KvType::f32),
                         q8_0 = evaluate(KvType::q8_0);
  return kv == KvType::f32 ? f32 : kv == KvType::f16 ? f16 : q8_0;
}

LogitRows whole_prompt(const Model& model, KvType kv, std::uint32_t chunk, std::size_t length) {
  Session session(model, session_options(kv, chunk));
  return prefill_rows(session, random_tokens(length));
}

}  // namespace

TEST_CASE("the logits to compare are worth comparing") {
  for (const KvType kv : kRowTypes) {
    const LogitRows& rows = expected_rows(kv);
    REQUIRE(rows.rows() == kLongest);
    for (std::size_t i = 1; i < rows.rows(); ++i) {
      REQUIRE_FALSE(same_bits(rows.row(i), rows.row(i - 1)));
    }
  }
  // The type of the rows matters, so a mix-up would show.
  CHECK_FALSE(same_bits(expected_rows(KvType::f16).row(300), expected_rows(KvType::f32).row(300)));
  CHECK_FALSE(same_bits(expected_rows(KvType::f16).row(300), expected_rows(KvType::q8_0).row(300)));
}

TEST_CASE("every instruction set gives the same bits") {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avxvnni, Isa::avx512, Isa::neon}) {
    CAPTURE(isa_name(isa));
    try {
      const Model model = load_tiny(2, isa);
      CHECK(model.isa() == isa);
      CHECK(first_difference(expected_rows(KvType::f16),
                             whole_prompt(model, KvType::f16, 0, kLongest)) == -1);
      CHECK(first_difference(expected_rows(KvType::f32),
                             whole_prompt(model, KvType::f32, 7, 2 * kWindow + 3)) == -1);
      CHECK(first_difference(expected_rows(KvType::q8_0),
                             whole_prompt(model, KvType::q8_0, 0, kLongest)) == -1);
      CHECK(first_difference(expected_rows(KvType::q8_0),
                             whole_prompt(model, KvType::q8_0, 1, 2 * kWindow + 3)) == -1);
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::unsupported);
      REQUIRE(isa != Isa::scalar);
      MESSAGE("skipped: " << std::string(error.what()));
    }
  }
}

TEST_CASE("every number of threads gives the same bits") {
  for (const int threads : {1, 2, 3, 7}) {
    CAPTURE(threads);
    const Model model = load_tiny(threads);
    CHECK(model.threads() == threads);
    for (const KvType kv : kRowTypes) {
      CHECK(first_difference(expected_rows(kv), whole_prompt(model, kv, 0, kLongest)) == -1);
      CHECK(first_difference(expected_rows(kv), whole_prompt(model, kv, 7, kLongest)) == -1);
    }
  }
}

TEST_CASE("every way to cut a prompt gives the same bits") {
  const Model model = load_tiny();
  for (const KvType kv : kRowTypes) {
    for (const std::size_t length : kLengths) {
      for (const std::uint32_t chunk : {1u, 7u, 64u, 256u}) {
        CAPTURE(length);
        CAPTURE(chunk);
        CHECK(first_difference(expected_rows(kv), whole_prompt(model, kv, chunk, length)) == -1);
      }
    }
  }
}

TEST_CASE("decoding step by step gives the bits of a prompt") {
  const Model model = load_tiny();
  const std::vector<Token> tokens = random_tokens(kLongest);
  for (const KvType kv : kRowTypes) {
    Session session(model, session_options(kv));
    CHECK(first_difference(expected_rows(kv), stepwise_rows(session, tokens)) == -1);
    // A prompt first, steps after it, around the window's edge.
    for (const std::size_t length : kLengths) {
      CAPTURE(length);
      Session mixed(model, session_options(kv));
      mixed.append_tokens(std::span(tokens).first(length - 3));
      CHECK(same_bits(mixed.logits(), expected_rows(kv).row(length - 4)));
      const LogitRows rows = stepwise_rows(mixed, std::span(tokens).subspan(length - 3, 3));
      CHECK(first_difference(expected_rows(kv), rows, length - 3) == -1);
    }
  }
}

TEST_CASE("what is evaluated again after a rewind has the same bits") {
  const Model model = load_tiny();
  const std::vector<Token> tokens = random_tokens(kLongest);
  for (const KvType kv : kRowTypes) {
    for (const std::uint32_t chunk : {7u, 256u}) {
      Session session(model, session_options(kv, chunk));
      (void)prefill_rows(session, tokens);
      for (const std::size_t position :
           {kLongest - 1, kLongest - 40, std::size_t{400}, std::size_t{128}, std::size_t{65},
            std::size_t{64}, std::size_t{63}, std::size_t{1}, std::size_t{0}}) {
        CAPTURE(position);
        session.rewind(static_cast<std::uint32_t>(position));
        CHECK(session.position() == position);
        if (position > 0) CHECK(same_bits(session.logits(), expected_rows(kv).row(position - 1)));
        const LogitRows rows = prefill_rows(session, std::span(tokens).subspan(position));
        // All positions from the rewind on; where the cache had lost the window, earlier ones were
        // evaluated silently.
        CHECK(first_difference(expected_rows(kv), rows, position) == -1);
      }
    }
  }
}

TEST_CASE("nothing of what was rewound remains") {
  const Model model = load_tiny();
  const std::vector<Token> tokens = random_tokens(kLongest), other = random_tokens(200, 2);
  for (const std::size_t position :
       {std::size_t{30}, std::size_t{64}, std::size_t{300}, kLongest - 5}) {
    CAPTURE(position);
    std::vector<Token> joined(tokens.begin(),
                              tokens.begin() + static_cast<std::ptrdiff_t>(position));
    joined.insert(joined.end(), other.begin(), other.end());
    Session fresh(model, session_options()), used(model, session_options());
    const LogitRows expected = prefill_rows(fresh, joined);
    (void)prefill_rows(used, tokens);
    used.rewind(static_cast<std::uint32_t>(position));
    CHECK(first_difference(expected, prefill_rows(used, other), position) == -1);
    CHECK(tokens_of(used) == joined);
  }
}

TEST_CASE("a small rewind evaluates nothing twice") {
  const Model model = load_tiny();
  const std::vector<Token> tokens = random_tokens(kLongest);
  Session session(model, session_options());
  (void)prefill_rows(session, tokens);
  const std::uint64_t before = session.statistics().prefill_tokens;
  CHECK(before == kLongest);
  session.rewind(kLongest - 8);
  (void)prefill_rows(session, std::span(tokens).last(8));
  CHECK(session.statistics().prefill_tokens == before + 8);
}

TEST_CASE("sessions on two threads at once get their own bits") {
  const Model model = load_tiny(2);
  const std::vector<Token> tokens = random_tokens(kLongest);
  int differences[2] = {-2, -2};
  const auto work = [&](int which) {
    const KvType kv = which == 0 ? KvType::f16 : KvType::f32;
    Session session(model, session_options(kv, which == 0 ? 32 : 5));
    differences[which] = first_difference(expected_rows(kv), prefill_rows(session, tokens));
    for (int i = 0; i < 3 && differences[which] == -1; ++i) {
      session.rewind(kLongest - 50);
      const LogitRows rows = stepwise_rows(session, std::span(tokens).last(50));
      differences[which] = first_difference(expected_rows(kv), rows, kLongest - 50);
    }
  };
  (void)expected_rows(KvType::f16);
  std::thread other(work, 1);
  work(0);
  other.join();
  CHECK(differences[0] == -1);
  CHECK(differences[1] == -1);
}

TEST_CASE("the drawn text is the same for every instruction set, thread count and chunk") {
  SamplingOptions options;
  options.temperature = 1.0f;
  options.top_k = 40;
  options.seed = 77;
  options.repetition_penalty = 1.1f;
  const auto draw = [&](int threads, Isa isa, std::uint32_t chunk) {
    Session session(load_tiny(threads, isa), session_options(KvType::f16, chunk));
    session.append_tokens(random_tokens(80));
    for (int i = 0; i < 100; ++i) (void)session.decode_step(options);
    return tokens_of(session);
  };
  const std::vector<Token> expected = draw(1, Isa::automatic, 256);
  CHECK(draw(1, Isa::automatic, 1) == expected);
  CHECK(draw(3, Isa::automatic, 64) == expected);
  CHECK(draw(2, Isa::scalar, 7) == expected);
  options.seed = 78;
  CHECK(draw(1, Isa::automatic, 256) != expected);
}

}  // namespace gemma4
