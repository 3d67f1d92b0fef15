// Sessions come and go, and leave nothing behind.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "decode/allocation_counter.hpp"
#include "session/refusals.hpp"
#include "session/snapshots.hpp"
#include "session/test_drafters.hpp"
#include "session/tiny_model.hpp"

#if defined(__linux__)
#include <unistd.h>
#endif

namespace gemma4 {
namespace {

using namespace testing;

/// Kinds of sessions times prompts: after so many everything has been seen.
constexpr int kKinds = 8, kPrompts = 9, kPeriod = kKinds * kPrompts;

int wanted_sessions() {
  const char* wanted = std::getenv("GEMMA4_SOAK_SESSIONS");
  const int sessions = wanted != nullptr ? std::atoi(wanted) : 0;
  return std::max(sessions, 2 * kPeriod);
}

/// Resident bytes of this process; 0: cannot tell, or a sanitizer keeps what was freed.
std::int64_t resident_bytes() {
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
#else
  return 0;
#endif
}

struct Held {
  std::int64_t allocations = live_allocations(), bytes = live_bytes();
};

/// Half of it is the same for all prompts, and longer than what the prefix cache shares.
std::vector<Token> prompt(int number) {
  std::vector<Token> tokens = random_tokens(140);
  const std::vector<Token> own = random_tokens(80, static_cast<std::uint32_t>(number) + 10);
  tokens.insert(tokens.end(), own.begin(), own.end());
  return tokens;
}

class Soak {
 public:
  explicit Soak(const Model& model) : model_(model) {
    options_ = session_options(KvType::f16, 64, 256);
    answer_.max_tokens = 4;
    answer_.ignore_end_of_generation = true;
  }

  void session(int number) {
    options_.kv = number % 3 == 0 ? KvType::q8_0 : KvType::f16;
    options_.speculation =
        number % 2 == 0 ? Speculation::off() : Speculation::fixed(3).by(DrafterKind::mtp);
    Session session(model_, options_);
    session.append_tokens(prompt(number / kKinds % kPrompts));
    switch (number % kKinds) {
      case 0:
        return generate(session);
      case 1:
        return forks(session);
      case 2:
        return cancels(session);
      case 3:
        return snapshot(session);
      case 4:
        return shift(session);
      case 5:
        return share_passes(session);
      case 6:
        return rewind(session);
      default:
        return refuse(session);
    }
  }

 private:
  void generate(Session& session) {
    for (const Event& event : session.generate(answer_)) (void)event;
  }
  void forks(Session& session) {
    (void)session.logits();
    Session one = session.fork(), two = one.fork();
    session = one.fork();
    generate(one);
    generate(two);
    generate(session);
  }
  void cancels(Session& session) {
    CHECK_REFUSED(session.prefill([](std::uint32_t, std::uint32_t) { return false; }), "cancelled");
    Generation generation = session.generate(answer_);
    (void)generation.next();
    session.cancel();
    while (generation.next() != nullptr) continue;
    Generation left = session.generate(answer_);
    (void)left.next();
  }
  void snapshot(Session& session) {
    (void)session.logits();
    const Bytes bytes = saved(session);
    Session copy = restored(model_, bytes, options_);
    generate(copy);
    CHECK_REFUSED((void)restored(model_, std::span(bytes).first(bytes.size() - 50'000), options_),
                  "format");
  }
  void shift(Session& session) {
    SessionOptions options = options_;
    options.context_policy = ContextPolicy::shift;
    session = Session(model_, options);
    session.append_tokens(random_tokens(254, 3));
    generate(session);
    CHECK(session.statistics().shifts == 1);
  }
  void share_passes(Session& session) {
    Session other(model_, options_);
    other.append_text("Once upon a time");
    Batch batch(model_);
    std::vector<Session*> both = {&session, &other};
    for (int i = 0; i < 3; ++i) {
      batch.evaluate(both);
      for (Session* one : both) (void)one->decode_step();
    }
  }
  void rewind(Session& session) {
    generate(session);
    session.rewind(100);
    generate(session);
    session.rewind(0);
    session.append(Chat{}.user("Hello"));
    generate(session);
  }
  void refuse(Session& session) {
    SessionOptions options = options_;
    options.memory_budget_bytes = model_.plan(options_).total_bytes() - 1;
    CHECK_REFUSED(Session(model_, options), "budget_exceeded");
    CHECK_REFUSED(session.append_tokens(random_tokens(200)), "context_full");
    CHECK_REFUSED(session.save("/nonexistent/folder/s"), "io");
  }

  const Model& model_;
  SessionOptions options_;
  GenerateOptions answer_;
};

}  // namespace

TEST_CASE("sessions leave nothing behind") {
  // Of the operating system's memory little may stay: pages that the allocator keeps between its
  // blocks. What a session holds is some MiB, and a leak of one KiB in each would make 10 MiB of
  // 10,000.
  constexpr std::int64_t kMostResident = 4 << 20;
  const auto run = [&](int sessions) {
    LoadOptions load;
    load.threads = 2;
    load.assistant = tiny_assistant_path();
    load.prefix_cache_bytes = 1 << 20;  // less than all prompts need
    const Model model = Model::load(tiny_path(), load);
    Soak soak(model);
    for (int i = 0; i < 2 * kPeriod; ++i) soak.session(i);  // the prefix cache is full
    const Held before;
    const std::int64_t resident = resident_bytes();
    for (int i = 0; i < sessions; ++i) soak.session(i);
    const Held after;
    CHECK(model.prefix_statistics().evicted_tokens > 0);
    CHECK(after.allocations == before.allocations);
    CHECK(after.bytes == before.bytes);
    CHECK(resident_bytes() - resident < kMostResident);
    MESSAGE(sessions << " sessions; before and after: " << before.allocations << " and "
                     << after.allocations << " allocations of " << before.bytes << " and "
                     << after.bytes << " bytes, " << resident / 1024 << " and "
                     << resident_bytes() / 1024 << " KiB resident");
  };
  run(kPeriod);  // what the process keeps, if anything
  const Held before;
  run((wanted_sessions() + kPeriod - 1) / kPeriod * kPeriod);
  const Held after;
  CHECK(after.allocations == before.allocations);
  CHECK(after.bytes == before.bytes);
}

}  // namespace gemma4
