// The longest context of the models: 262,144 tokens planned, created, filled and decoded.
#include <doctest/doctest.h>

#include <algorithm>

#include "cache/snapshot.hpp"
#include "io/temporary_folder.hpp"
#include "model/forward.hpp"
#include "session/mapping_counter.hpp"
#include "session/model_impl.hpp"
#include "session/refusals.hpp"
#include "session/snapshots.hpp"
#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"
#include "weights/synthetic_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

constexpr std::uint32_t kContext = 262144, kBatch = 64, kEvaluated = 2 * kChunk;

Model load_long(const test::TemporaryFolder& folder, int threads) {
  test::SyntheticModel model;
  model.context = kContext;
  return Model::load(folder.write("long.gguf", model.bytes()), {.threads = threads});
}

std::vector<Token> tokens(std::size_t count) {
  std::vector<Token> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = static_cast<Token>(300 + i % 200);
  return all;
}

/// A snapshot of a session with `count` tokens whose rows are those of the first kEvaluated, again
/// and again: to evaluate them all would take minutes, and nothing here depends on their values.
Bytes filled(const Model& model, KvType kv, std::uint32_t count) {
  const Model::Impl& impl = *model.impl();
  const Network& network = *impl.network;
  KvCache cache(network.config, kv, kContext, kBatch);
  Workspace work(network.config, {kBatch, kEvaluated, 1});
  Forward forward(network, *impl.pool, work);
  const std::vector<Token> all = tokens(count);
  for (std::uint32_t begin = 0; begin < kEvaluated; begin += kBatch)
    REQUIRE(forward.run(std::span(all).subspan(begin, kBatch), begin, cache, nullptr));
  for (std::uint32_t begin = kEvaluated; begin < count; begin += kBatch) {
    cache.open(begin, std::min(begin + kBatch, count));  // no page is missing, to the last one
    const std::uint32_t chunk = begin / kChunk;
    for (const bool sliding : {false, true})
      std::ranges::copy(cache.page(chunk - 1, sliding), cache.page(chunk, sliding).begin());
  }
  Bytes bytes;
  write_snapshot({impl.fingerprint, kv, kContext, count, false}, {all, {}, {}}, cache,
                 [&](std::span<const std::byte> piece) {
                   bytes.insert(bytes.end(), piece.begin(), piece.end());
                 });
  return bytes;
}

}  // namespace

TEST_CASE("a session of 262,144 tokens is planned to the byte, filled, and decodes to its end") {
  const test::TemporaryFolder folder;
  const Model model = load_long(folder, 1);
  SessionOptions options =
      with(Speculation::off(), session_options(KvType::q8_0, kBatch, kContext));
  const MemoryPlan plan = model.plan(options);
  // one full layer's row: 32 numbers of the rotated key and 128 of the value, in blocks of twice 32
  // and two scales; the ring of the two other layers, 2 heads of 2 x 64: 8 + 64 + 64 positions
  // whose ends may stand inside a chunk
  constexpr std::uint64_t kRing = 4 * kChunk;
  CHECK(plan.kv_bytes == (kContext * 192u + kRing * 2 * 2 * 2 * 64) / 32 * 34);

  options.memory_budget_bytes = plan.total_bytes() - 1;
  CHECK_REFUSED(Session(model, options), "budget_exceeded",
                std::to_string(plan.total_bytes()).c_str(),
                ("kv " + std::to_string(plan.kv_bytes) + " for 262144 tokens").c_str());
  ++options.memory_budget_bytes;
  const std::int64_t before = mapped_bytes();
  {
    Session empty(model, options);
    if (before >= 0)
      CHECK(static_cast<std::uint64_t>(mapped_bytes() - before) ==
            plan.kv_bytes + plan.workspace_bytes - std::uint64_t{kContext} * sizeof(Token));
  }
  CHECK(mapped_bytes() == before);

  constexpr std::uint32_t kRoom = 2;
  const Bytes bytes = filled(model, KvType::q8_0, kContext - kRoom);
  Session session = restored(model, bytes, options);
  // other threads take other parts of so many rows
  const Model other = load_long(folder, 3);
  options.memory_budget_bytes = 0;  // each has memory of its own
  Session same = restored(other, bytes, options);
  for (std::uint32_t i = 0; i < kRoom; ++i) {
    REQUIRE(session.decode_step() == same.decode_step());
    REQUIRE(same_bits(session.logits(), same.logits()));
  }
  CHECK(session.position() == kContext);
  CHECK_REFUSED((void)session.decode_step(), "context_full", "262144");
  session.rewind(kContext - kRoom);
  CHECK(session.decode_step() == same.tokens()[kContext - kRoom]);
}

}  // namespace gemma4
