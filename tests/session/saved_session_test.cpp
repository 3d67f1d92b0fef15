// Snapshots: what is restored goes on with the bits of what was saved; nothing else is accepted.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "gemma4/gemma4.hpp"
#include "io/temporary_folder.hpp"
#include "session/refusals.hpp"
#include "session/snapshots.hpp"
#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"
#include "weights/synthetic_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;
using test::TemporaryFolder;

constexpr std::size_t kLengths[] = {1,           kWindow - 1,     kWindow,     kWindow + 1,
                                    2 * kWindow, 2 * kWindow + 1, 4 * kWindow, 9 * kWindow + 3};

void overwrite(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

TEST_CASE("a restored session goes on with the bits of the saved one") {
  const Model model = load_tiny();
  const std::vector<Token> tokens = random_tokens(9 * kWindow + 200);
  for (const KvType kv : {KvType::f16, KvType::f32, KvType::q8_0}) {
    Session whole(model, session_options(kv));
    const LogitRows expected = prefill_rows(whole, tokens);
    for (const std::size_t length : kLengths) {
      CAPTURE(length);
      Session session(model, session_options(kv, 32));
      session.append_tokens(std::span(tokens).first(length));
      (void)session.logits();
      const Bytes bytes = saved(session);
      for (const std::uint32_t chunk : {5u, 64u, 256u}) {
        CAPTURE(chunk);
        SessionOptions options = session_options(kv, chunk);
        options.context_tokens = chunk == 64 ? 0 : 800;
        Session copy = restored(model, bytes, options);
        CHECK(copy.context_tokens() == (chunk == 64 ? session.context_tokens() : 800));
        CHECK(tokens_of(copy) == tokens_of(session));
        CHECK(copy.earliest_rewind() >= session.earliest_rewind());
        CHECK(same_bits(copy.logits(), expected.row(length - 1)));
        CHECK(copy.statistics().prefill_tokens == 0);  // and no pass was made for them
        CHECK(copy.statistics().target_steps == 0);
        const std::span<const Token> rest = std::span(tokens).subspan(length, 150);
        CHECK(first_difference(expected, prefill_rows(copy, rest), length) == -1);
        copy.rewind(static_cast<std::uint32_t>(length));
        CHECK(first_difference(expected, stepwise_rows(copy, rest.first(70)), length) == -1);
        for (const std::size_t back : {length - 1, length / 2}) {
          copy.rewind(static_cast<std::uint32_t>(back));
          const LogitRows rows = prefill_rows(copy, std::span(tokens).subspan(back, 30));
          CHECK(first_difference(expected, rows, back) == -1);
        }
      }
      // what was saved goes on too
      CHECK(first_difference(expected, prefill_rows(session, std::span(tokens).subspan(length, 20)),
                             length) == -1);
    }
  }
}

TEST_CASE("tokens that are not evaluated yet are saved too") {
  const Model model = load_tiny();
  Session session(model, session_options());
  CHECK(restored(model, saved(session)).position() == 0);
  session.append_tokens(random_tokens(100));
  Session pending = restored(model, saved(session));
  CHECK(same_bits(pending.logits(), session.logits()));
  session.append_tokens(random_tokens(70, 5));
  Session more = restored(model, saved(session));
  CHECK(tokens_of(more) == tokens_of(session));
  CHECK(same_bits(more.logits(), session.logits()));
}

TEST_CASE("a restored session writes the text that the saved one would have, with any drafter") {
  const Model model = load_tiny_pair();
  SamplingOptions sampling;
  sampling.temperature = 0.9f;
  sampling.top_k = 40;
  sampling.frequency_penalty = 0.2f;
  sampling.penalty_window = 0;
  sampling.seed = 21;
  for (const KvType kv : {KvType::f16, KvType::f32, KvType::q8_0}) {
    for (const Speculation& speculation :
         {Speculation::off(), Speculation::fixed(4).by(DrafterKind::mtp),
          Speculation::automatic()}) {
      Session session(model, with(speculation, session_options(kv)));
      session.append_text("Once upon a time");
      while (session.position() < 3 * kWindow) {
        for (int i = 0; i < 17; ++i) (void)session.decode_step(sampling);
        Session off = restored(model, saved(session), session_options(kv));
        Session same = restored(model, saved(session), with(speculation, session_options(kv)));
        for (int i = 0; i < 9; ++i) {
          const Token expected = session.decode_step(sampling);
          REQUIRE(off.decode_step(sampling) == expected);
          REQUIRE(same.decode_step(sampling) == expected);
        }
        REQUIRE(same_bits(same.logits(), session.logits()));
        if (speculation.depth == 4) CHECK(same.statistics().drafted > 0);
      }
    }
  }
}

TEST_CASE("a restored conversation is a conversation") {
  const Model model = load_tiny();
  GenerateOptions options;
  options.max_tokens = 12;
  const auto answer = [&](Session& session) {
    std::string text;
    for (const Event& event : session.generate(options)) text += event.text;
    return text;
  };
  Session session(model, session_options());
  session.append(Chat{}.user("What is the capital of Japan?"));
  (void)answer(session);
  Session copy = restored(model, saved(session));
  for (Session* one : {&session, &copy}) one->append(Chat{}.user("What is 3 + 4?"));
  CHECK(tokens_of(copy) == tokens_of(session));
  CHECK(answer(copy) == answer(session));
  CHECK(tokens_of(copy) == tokens_of(session));
}

TEST_CASE("files are written whole, over others, and read") {
  const Model model = load_tiny();
  const TemporaryFolder folder;
  const std::string path = folder.path("a session");
  Session session(model, session_options());
  session.append_tokens(random_tokens(300));
  (void)session.logits();
  session.save(path);
  CHECK(contents(path) == saved(session));
  (void)session.decode_step();
  session.save(path);
  CHECK(contents(path) == saved(session));
  Session copy = Session::restore(model, path);
  CHECK(same_bits(copy.logits(), session.logits()));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path("")), {}) == 1);
  // a threaded model, other kernels: the same file
  CHECK(same_bits(Session::restore(load_tiny(3, Isa::scalar), path).logits(), session.logits()));
}

TEST_CASE("a snapshot cut or changed at any place is refused") {
  const Model model = load_tiny(1);
  Session session(model, session_options(KvType::f16, 64, 512));
  session.append_tokens(random_tokens(200));
  (void)session.logits();
  const Bytes bytes = saved(session);
  REQUIRE(bytes.size() > 100'000);
  const TemporaryFolder folder;
  const std::string path = folder.path("s");
  const auto refused = [&](const Bytes& damaged) {
    const auto code = [&](const std::string& text) { return text.substr(0, text.find(':')); };
    const std::string streamed = code(refusal([&] { (void)restored(model, damaged); }));
    overwrite(path, damaged);
    const std::string read = code(refusal([&] { (void)Session::restore(model, path); }));
    const auto known = [](const std::string& c) {
      return c == "format" || c == "unsupported" || c == "io";
    };
    return known(streamed) && known(read);
  };
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < 96; ++i) places.push_back(i);  // all of the head
  for (std::size_t i = 96; i < bytes.size(); i += 4096) places.push_back(i);
  for (std::size_t i = 1; i <= 9; ++i) places.push_back(bytes.size() - i);
  for (const std::size_t place : places) {
    CAPTURE(place);
    Bytes damaged(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(place));
    CHECK(refused(damaged));
    damaged = bytes;
    damaged[place] ^= static_cast<std::byte>(1u << place % 8);
    CHECK(refused(damaged));
  }
  Bytes longer = bytes;
  longer.push_back({});
  overwrite(path, longer);
  CHECK_REFUSED((void)Session::restore(model, path), "format", "bytes");
  // from a stream it is what it is: the rest belongs to somebody else
  CHECK(restored(model, longer).position() == 200);
  CHECK(same_bits(restored(model, bytes).logits(), session.logits()));
}

TEST_CASE("a snapshot of something else is refused by name") {
  const Model model = load_tiny(1);
  Session session(model, session_options());
  session.append_tokens(random_tokens(100));
  (void)session.logits();
  Bytes bytes = saved(session);
  SessionOptions options = session_options(KvType::f32);
  CHECK_REFUSED((void)restored(model, bytes, options), "invalid_argument", "kv:");
  options = session_options();
  options.context_tokens = 99;
  CHECK_REFUSED((void)restored(model, bytes, options), "invalid_argument", "context_tokens", "100",
                "99");
  options = session_options();
  const std::uint64_t needed = model.plan(options).total_bytes();
  options.memory_budget_bytes = needed;
  CHECK(same_bits(restored(model, bytes, options).logits(), session.logits()));
  --options.memory_budget_bytes;
  CHECK_REFUSED((void)restored(model, bytes, options), "budget_exceeded",
                std::to_string(needed).c_str(), std::to_string(needed - 1).c_str());

  LoadOptions wide;
  wide.activations = ActivationType::int16;
  CHECK_REFUSED((void)restored(Model::load(tiny_path(), wide), bytes), "invalid_argument",
                "model:", "activations");

  const TemporaryFolder folder;
  const Model other = Model::load(folder.write("other.gguf", test::SyntheticModel().bytes()));
  CHECK_REFUSED((void)restored(other, bytes), "invalid_argument", "model:", "quantisation");
  test::SyntheticModel changed;
  changed.matrices = TensorType::q8_0;
  const Model requantised = Model::load(folder.write("q8.gguf", changed.bytes()));
  Session small(other, session_options());
  small.append_tokens(std::vector<Token>{2, 5, 6});
  CHECK_REFUSED((void)restored(requantised, saved(small)), "invalid_argument", "model:");

  bytes[8] ^= std::byte{2};
  CHECK_REFUSED((void)restored(model, bytes), "unsupported", "version", "expected 1", "found 3");
  CHECK_REFUSED((void)Session::restore(model, folder.path("other.gguf")), "format", "other.gguf");
  CHECK_REFUSED((void)Session::restore(model, folder.path("none")), "io", "none");
}

TEST_CASE("a packed model restores what the model saved") {
  const TemporaryFolder folder;
  const std::string path = folder.write("m.gguf", test::SyntheticModel().bytes());
  const PackedFile packed = pack(path, folder.path("m.g4pack"));
  Session session(Model::load(path), session_options(KvType::f16, 0, 256));
  std::vector<Token> tokens;
  for (int i = 0; i < 130; ++i) tokens.push_back(i * 7 % 500);
  session.append_tokens(tokens);
  (void)session.logits();
  Session copy = restored(Model::load(packed.path), saved(session));
  const std::vector<Token> next = {3};
  CHECK(first_difference(prefill_rows(session, next), prefill_rows(copy, next)) == -1);
}

TEST_CASE("saving and restoring can be stopped, and the session lives on") {
  const Model model = load_tiny();
  const TemporaryFolder folder;
  Session session(model, session_options(KvType::f32));
  session.append_tokens(random_tokens(900));
  const std::vector<float> logits(session.logits().begin(), session.logits().end());
  const std::string path = folder.path("s");
  session.save(path);
  const Bytes before = contents(path);
  int pieces = 0;
  CHECK_REFUSED(session.save([&](std::span<const std::byte> piece) {
    CHECK(piece.size() <= 1u << 20);
    return ++pieces < 2;
  }),
                "cancelled");
  CHECK(pieces == 2);
  pieces = 0;
  CHECK_REFUSED(session.save([&](std::span<const std::byte>) {
    ++pieces;
    session.cancel();
    return true;
  }),
                "cancelled");
  CHECK(pieces == 1);
  CHECK_THROWS_AS(
      session.save([](std::span<const std::byte>) -> bool { throw std::runtime_error("mine"); }),
      std::runtime_error);
  CHECK(same_bits(session.logits(), logits));
  CHECK(saved(session) == before);

  std::stop_source stop;
  std::size_t asked = 0, place = 0;
  CHECK_REFUSED((void)Session::restore(
                    model,
                    [&](std::span<std::byte> out) {
                      if (++asked == 5) stop.request_stop();
                      std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(place), out.size(),
                                  out.begin());
                      place += out.size();
                      return out.size();
                    },
                    session_options(KvType::f32), stop.get_token()),
                "cancelled");
  CHECK(asked == 5);

  Generation generation = session.generate();
  REQUIRE(generation.next() != nullptr);
  CHECK_REFUSED(session.save(path), "invalid_argument", "generation");
  CHECK(contents(path) == before);
}

}  // namespace gemma4
