// The host's memory: what the plan says, no more, given back, and with the same answers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <vector>

#include "io/temporary_folder.hpp"
#include "session/counting_allocator.hpp"
#include "session/refusals.hpp"
#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

namespace gemma4 {
namespace {

using namespace testing;

LoadOptions hosted_by(const std::shared_ptr<Allocator>& allocator, bool assistant = true) {
  LoadOptions options;
  options.threads = 2;
  if (assistant) options.assistant = tiny_assistant_path();
  options.allocator = allocator;
  return options;
}

std::vector<Token> answer(Session& session, std::size_t count) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < count; ++i)
    tokens.push_back(session.decode_step(
        {.temperature = 1.0f, .repetition_penalty = 1.3f, .penalty_window = 0, .seed = 5}));
  return tokens;
}

std::vector<std::byte> saved(Session& session) {
  std::vector<std::byte> all;
  session.save([&](std::span<const std::byte> bytes) {
    all.insert(all.end(), bytes.begin(), bytes.end());
    return true;
  });
  return all;
}

}  // namespace

TEST_CASE("a host's allocator is asked for what the plan says, to the byte") {
  const auto host = std::make_shared<CountingAllocator>();
  {
    const Model model = Model::load(tiny_path(), hosted_by(host));
    const MemoryPlan loaded = model.plan();
    CHECK(host->held_bytes() == loaded.weights_bytes + loaded.assistant_bytes);
    const std::uint64_t before = host->held_bytes();
    for (const Speculation& speculation : {Speculation::off(), Speculation::automatic(),
                                           Speculation::fixed(3).by(DrafterKind::ngram),
                                           Speculation::fixed(3).by(DrafterKind::mtp)}) {
      for (const KvType kv : {KvType::f16, KvType::q8_0}) {
        const SessionOptions options = with(speculation, session_options(kv, 0, 512));
        const MemoryPlan plan = model.plan(options);
        Session session(model, options);
        const std::uint64_t own = plan.kv_bytes + plan.workspace_bytes;
        CHECK(host->held_bytes() - before == own);
        session.append_tokens(random_tokens(300));
        (void)answer(session, 5);
        CHECK(host->held_bytes() - before == own);
        {
          const Session fork = session.fork();
          CHECK(host->held_bytes() - before == 2 * own);
        }
        CHECK(host->held_bytes() - before == own);
      }
      CHECK(host->held_bytes() == before);
    }
    const Batch batch(model);
    CHECK(host->held_bytes() - before == Batch::plan(model).workspace_bytes);
  }
  CHECK(host->held_bytes() == 0);
}

TEST_CASE("memory of a host's allocator may hold anything: the bits are the same") {
  const auto host = std::make_shared<CountingAllocator>();
  LoadOptions hosted = hosted_by(host), plain = hosted_by(nullptr);
  hosted.prefix_cache_bytes = plain.prefix_cache_bytes = 1 << 20;
  const Model one = Model::load(tiny_path(), hosted), other = Model::load(tiny_path(), plain);
  const std::vector<Token> prompt = random_tokens(300);
  for (const KvType kv : {KvType::f16, KvType::f32, KvType::q8_0}) {
    for (int round = 0; round < 2; ++round) {  // the second takes rows from the prefix cache
      Session a(one, session_options(kv, 0, 512)), b(other, session_options(kv, 0, 512));
      for (Session* session : {&a, &b}) session->append_tokens(prompt);
      CHECK(same_bits(a.logits(), b.logits()));
      CHECK(answer(a, 40) == answer(b, 40));
      CHECK(saved(a) == saved(b));  // nothing of the host's is in it
      a.rewind(100);
      b.rewind(100);
      Session fork = a.fork(), same = b.fork();
      CHECK(answer(fork, 20) == answer(same, 20));
      CHECK(same_bits(fork.logits(), same.logits()));
      Session* both[] = {&a, &fork};
      Batch(one).evaluate(both);
      CHECK(same_bits(a.logits(), b.logits()));
    }
  }
  CHECK(one.prefix_statistics().hits >= 3);
}

TEST_CASE(
    "the prefix cache asks a host's allocator for pages as it keeps them, within its budget") {
  const auto host = std::make_shared<CountingAllocator>();
  LoadOptions options = hosted_by(host, false);
  options.prefix_cache_bytes = 300000;
  const Model model = Model::load(tiny_path(), options);
  const std::uint64_t loaded = host->held_bytes();
  std::uint64_t most = 0;
  for (std::uint32_t seed = 1; seed < 12; ++seed) {
    const MemoryPlan plan = model.plan(session_options(KvType::f16, 0, 512));
    {
      Session session(model, session_options(KvType::f16, 0, 512));
      session.append_tokens(random_tokens(400, seed));
      (void)session.logits();
      CHECK(host->held_bytes() - loaded <=
            plan.kv_bytes + plan.workspace_bytes + plan.prefix_cache_bytes);
    }
    most = std::max(most, host->held_bytes() - loaded);
  }
  CHECK(most > 0);
  CHECK(model.prefix_statistics().evicted_tokens > 0);
}

TEST_CASE("a block that a host's allocator refuses is an error, and nothing else happens") {
  const auto host = std::make_shared<CountingAllocator>();
  const auto load = [&] { return Model::load(tiny_path(), hosted_by(host)); };
  (void)load();
  const std::uint64_t blocks = host->asked();
  CHECK(blocks >= 6);  // weights and two tables, twice
  for (host->refused = 0; host->refused < blocks; ++host->refused) {
    host->forget_asked();
    CHECK_REFUSED((void)load(), "out_of_memory", "the host's allocator gave no memory");
    CHECK(host->held_bytes() == 0);
  }

  host->refused = UINT64_MAX;
  const Model model = load();
  const std::uint64_t loaded = host->held_bytes();
  const auto use = [&] {
    Session session(model, session_options());
    Batch batch(model);
  };
  host->forget_asked();
  use();
  const std::uint64_t parts = host->asked();
  CHECK(parts >= 8);
  for (host->refused = 0; host->refused < parts; ++host->refused) {
    host->forget_asked();
    CHECK_REFUSED(use(), "out_of_memory", "the host's allocator gave no memory");
    CHECK(host->held_bytes() == loaded);
  }
  host->refused = UINT64_MAX;
  Session session(model, session_options());
  session.append_tokens(random_tokens(10));
  CHECK(answer(session, 3).size() == 3);
}

TEST_CASE("a prefix cache that a host's allocator gives nothing keeps nothing, and answers go on") {
  const auto host = std::make_shared<CountingAllocator>();
  LoadOptions options = hosted_by(host, false);
  options.prefix_cache_bytes = 1 << 20;
  const Model model = Model::load(tiny_path(), options);
  Session session(model, session_options());
  session.append_tokens(random_tokens(300));
  host->refused = host->asked() + 1;  // the second page
  const std::vector<Token> given = answer(session, 3);
  CHECK(model.prefix_statistics().held_bytes > 0);
  Session again(model, session_options());
  again.append_tokens(random_tokens(300));
  CHECK(answer(again, 3) == given);
}

TEST_CASE("memory that is not aligned is refused and given back") {
  class Crooked final : public Allocator {
   public:
    void* allocate(std::uint64_t size_bytes, std::uint64_t) noexcept override {
      memory_ = static_cast<std::byte*>(std::malloc(size_bytes + 128));
      const auto place = reinterpret_cast<std::uintptr_t>(memory_);
      return memory_ + (64 - place % 64) + 8;
    }
    void deallocate(void*, std::uint64_t, std::uint64_t) noexcept override {
      std::free(memory_);
      ++returned;
    }
    int returned = 0;

   private:
    std::byte* memory_ = nullptr;
  };
  const auto host = std::make_shared<Crooked>();
  CHECK_REFUSED((void)Model::load(tiny_path(), hosted_by(host)), "invalid_argument",
                "aligned to 64 bytes");
  CHECK(host->returned == 1);
}

TEST_CASE("the weights of a packed file are mapped, not asked of the host") {
  const test::TemporaryFolder folder;
  const PackedFile packed = pack(tiny_path(), folder.path(""), {.threads = 2});
  const auto host = std::make_shared<CountingAllocator>();
  const Model model = Model::load(packed.path, hosted_by(host, false));
  CHECK(host->held_bytes() > 0);
  CHECK(host->held_bytes() < model.plan().weights_bytes / 4);
}

}  // namespace gemma4
