// The assistant drafts from rows that were reused, forked, restored or rewound, alone and in passes
// that sessions share: tokens and logits have the bits of plain decoding alone.
#include <doctest/doctest.h>

#include "kernels/kv_rows.hpp"
#include "session/plain_text.hpp"
#include "session/snapshots.hpp"

namespace gemma4 {
namespace {

using namespace testing;

constexpr std::uint32_t kPrompt = 40, kSteps = 20, kBack = 30;

// Around the window, which is as long as a page, and two of them; and where the ring of the layers
// with a window, 4 pages for pieces of 16 tokens, has come round.
static_assert(kWindow == kChunk);
constexpr std::uint32_t kPositions[] = {kWindow - 1, kWindow,         kWindow + 1, 2 * kWindow - 1,
                                        2 * kWindow, 2 * kWindow + 1, 4 * kWindow};

}  // namespace

TEST_CASE("drafts from a reused, forked, restored or rewound cache keep the bits") {
  const Model model = load_with_prefixes(64u << 20, 1, tiny_assistant_path());
  for (const KvType kv : {KvType::f16, KvType::f32, KvType::q8_0}) {
    CAPTURE(static_cast<int>(kv));
    const SessionOptions options =
        with(Speculation::fixed(4).by(DrafterKind::mtp), session_options(kv, 16));
    const PlainText plain = plain_text(model, kPrompt, 4 * kWindow + kBack, {}, kv);
    const auto first = [&](std::uint32_t count) { return std::span(plain.tokens).first(count); };
    // what a session writes behind `position`, with drafts that were right
    const auto goes_on = [&](Session& session, std::uint32_t position) {
      const std::uint64_t before = session.statistics().accepted;
      CHECK(session.position() >= position);
      CHECK(first_difference(session, plain, position + kSteps) == -1);
      CHECK(session.statistics().accepted > before);
    };
    // the same of several sessions whose rows and drafts share passes
    Batch batch(model);
    const auto go_on_together = [&](const std::vector<Session*>& sessions, std::uint32_t position) {
      for (std::uint32_t end = position; end < position + kSteps; ++end) {
        batch.evaluate(sessions);
        for (Session* one : sessions) {
          CHECK(same_bits(one->logits(), plain.rows.row(end - 1)));
          CHECK(one->decode_step() == plain.tokens[end]);
        }
      }
      for (const Session* one : sessions) CHECK(one->statistics().accepted > 0);
    };
    Session session(model, options);
    session.append_tokens(first(kPrompt));
    for (const std::uint32_t position : kPositions) {
      CAPTURE(position);
      if (session.position() > position) session.rewind(position);
      CHECK(first_difference(session, plain, position) == -1);
      Session fork = session.fork(), copy = restored(model, saved(session), options);
      Session second_fork = fork.fork(), second_copy = restored(model, saved(session), options);
      goes_on(fork, position);
      goes_on(copy, position);
      go_on_together({&second_fork, &second_copy}, position);

      // another text in the same places, which neither the fork nor the way back may show
      session.append_tokens(random_tokens(kBack - kSteps, position));
      for (std::uint32_t i = 0; i < kSteps; ++i) (void)session.decode_step();
      CHECK(first_difference(fork, plain, position + kBack) == -1);
      session.rewind(position);
      goes_on(session, position);

      Session source(model, options), reused(model, options);
      source.append_tokens(first(position));
      (void)source.logits();
      reused.append_tokens(first(position + 1));
      goes_on(reused, position);
      CHECK(reused.statistics().reused_tokens == position / kChunk * kChunk);
    }
  }
}

}  // namespace gemma4
