// The memory plan: what it says is what is taken, to the byte.
#include <doctest/doctest.h>

#include <string>

#include "decode/allocation_counter.hpp"
#include "decode/sampler.hpp"
#include "session/drafters.hpp"
#include "session/mapping_counter.hpp"
#include "session/model_impl.hpp"
#include "session/refusals.hpp"
#include "session/snapshots.hpp"
#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

/// What the program holds: large memory from the system, everything else from operator new.
struct Held {
  std::int64_t mapped = mapped_bytes(), heap = live_bytes();
};

/// Whether what came since `before` is what `options` plan, and bookkeeping beside it that
/// gemma4/memory.hpp names and does not count.
void check_taken(const Held& before, const Model& model, const SessionOptions& options) {
  if (before.mapped < 0) return;
  const Held after;
  const MemoryPlan plan = model.plan(options);
  const DrafterKind drafter = options.speculation.drafter;
  // of the workspace this is not in the large memory
  std::uint64_t small = std::uint64_t{options.context_tokens} * sizeof(Token);
  if (options.speculation.depth != 0 &&
      (drafter == DrafterKind::ngram || drafter == DrafterKind::automatic))
    small += NgramDrafter::bytes(options.context_tokens);
  CHECK(static_cast<std::uint64_t>(after.mapped - before.mapped) ==
        plan.kv_bytes + plan.workspace_bytes - small);
  const std::int64_t beside = after.heap - before.heap - static_cast<std::int64_t>(small);
  CHECK(beside >= 0);
  CHECK(beside < 2 * std::int64_t{options.context_tokens} + (16 << 10));
}

}  // namespace

TEST_CASE("loading takes what the plan says") {
  if (mapped_bytes() < 0) MESSAGE("skipped: mappings cannot be counted here");
  const Held before;
  const Tokenizer tokenizer = load_tokenizer(tiny_path());
  const Held with_tokenizer;
  const Model model = load_tiny_pair(2);
  const Held after;
  const MemoryPlan plan = model.plan();
  const Network &network = *model.impl()->network, &assistant = model.impl()->assistant->network;
  const std::uint64_t weights = network.weights.memory.size_bytes(),
                      drafting = assistant.weights.memory.size_bytes();
  const auto tables = [](const Network& one) {
    return one.rotary_full.size_bytes() + one.rotary_sliding.size_bytes();
  };
  CHECK(plan.weights_bytes == weights + tables(network));
  CHECK(plan.assistant_bytes == drafting + tables(assistant));
  if (before.mapped < 0) return;
  // the tokenizer is in no plan
  CHECK(static_cast<std::uint64_t>(after.mapped - with_tokenizer.mapped) ==
        weights + drafting + static_cast<std::uint64_t>(with_tokenizer.mapped - before.mapped));
}

TEST_CASE("a session takes what the plan says, whatever it is made of, and gives it back") {
  const Model model = load_tiny_pair(2);
  for (const KvType kv : {KvType::f16, KvType::f32, KvType::q8_0}) {
    (void)Session(model, session_options(kv));  // what the model keeps for its sessions
    for (const Speculation& speculation :
         {Speculation::off(), Speculation::fixed(3).by(DrafterKind::ngram),
          Speculation::fixed(4).by(DrafterKind::mtp), Speculation::automatic()}) {
      for (const std::uint32_t context : {1u, 64u, 777u, 4096u}) {
        for (const std::uint32_t chunk : {1u, 256u}) {
          CAPTURE(context);
          CAPTURE(chunk);
          const SessionOptions options = with(speculation, session_options(kv, chunk, context));
          const Held before;
          {
            Session session(model, options);
            check_taken(before, model, options);
            const Held first;
            const Session fork = session.fork();
            check_taken(first, model, options);
            const Bytes bytes = saved(session);
            const Held second;
            const Session copy = restored(model, bytes, options);
            check_taken(second, model, options);
          }
          CHECK(Held().mapped == before.mapped);
          CHECK(Held().heap == before.heap);
        }
      }
    }
  }
}

TEST_CASE("a memory budget is kept to the byte") {
  const Model model = load_tiny();
  SessionOptions options = session_options();
  const MemoryPlan plan = model.plan(options);
  CHECK(plan.total_bytes() > plan.weights_bytes);
  options.memory_budget_bytes = plan.total_bytes();
  CHECK_NOTHROW(Session(model, options));
  --options.memory_budget_bytes;
  const auto number = [](std::uint64_t bytes) { return std::to_string(bytes); };
  CHECK_REFUSED(Session(model, options), "budget_exceeded", number(plan.total_bytes()).c_str(),
                number(plan.total_bytes() - 1).c_str(),
                ("weights " + number(plan.weights_bytes)).c_str(),
                ("kv " + number(plan.kv_bytes)).c_str(),
                ("workspace " + number(plan.workspace_bytes)).c_str());
}

TEST_CASE("the budget of a session is enough for its forks: each is counted alone") {
  const Model model = load_tiny();
  SessionOptions options = session_options();
  options.memory_budget_bytes = model.plan(options).total_bytes();
  Session session(model, options);
  session.append_tokens(random_tokens(100));
  Session fork = session.fork(), next = fork.fork();
  CHECK(same_bits(next.logits(), session.logits()));
}

TEST_CASE("a session's plan has its own drafter's memory and no other's") {
  const Model pair = load_tiny_pair(2);
  const auto workspace = [](const Model& model, const Speculation& speculation) {
    SessionOptions options = session_options(KvType::f16, 0, 777);
    options.speculation = speculation;
    const MemoryPlan plan = model.plan(options);
    options.memory_budget_bytes = plan.total_bytes();
    CHECK_NOTHROW(Session(model, options));
    --options.memory_budget_bytes;
    CHECK_REFUSED(Session(model, options), "budget_exceeded",
                  std::to_string(plan.total_bytes()).c_str());
    return plan.workspace_bytes;
  };
  const std::uint64_t off = workspace(pair, Speculation::off());
  const std::uint64_t ngram = NgramDrafter::bytes(777);
  const std::uint64_t mtp =
      Assistant::bytes(pair.impl()->assistant->config, {777, 2, kDraftChoices});
  CHECK(ngram > 0);
  CHECK(mtp > 0);
  const Speculation automatic = Speculation::automatic();
  CHECK(workspace(pair, automatic.by(DrafterKind::none)) == off);
  CHECK(workspace(pair, Speculation::fixed(0)) == off);
  CHECK(workspace(pair, automatic.by(std::make_shared<NgramDrafter>(777))) == off);
  CHECK(workspace(pair, automatic.by(DrafterKind::ngram)) == off + ngram);
  for (const Speculation& depth : {automatic, Speculation::fixed(1), Speculation::fixed(7)}) {
    CHECK(workspace(pair, depth.by(DrafterKind::mtp)) == off + mtp);
    CHECK(workspace(pair, depth) == off + ngram + mtp);
  }
  const Model alone = load_tiny(2);
  CHECK(workspace(alone, Speculation::off()) == off);
  CHECK(workspace(alone, automatic) == off + ngram);
}

}  // namespace gemma4
