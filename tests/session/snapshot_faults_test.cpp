// Saving where it fails: no rights, no room, a stop, the end of the process.
#include <doctest/doctest.h>

#if !defined(_WIN32)

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "io/temporary_folder.hpp"
#include "session/refusals.hpp"
#include "session/snapshots.hpp"
#include "session/tiny_model.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#endif

namespace gemma4 {
namespace {

using namespace testing;
using test::TemporaryFolder;

/// What a child process has to tell.
enum class Outcome { right, wrong, skipped };

Outcome result_of(bool right) { return right ? Outcome::right : Outcome::wrong; }

/// Does the work in a copy of this process, whose rights may change and whose end nobody notices.
template <class Work>
Outcome in_child(const Work& work) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    Outcome outcome = Outcome::wrong;
    try {
      outcome = work();
    } catch (...) {
      outcome = Outcome::wrong;
    }
    _exit(static_cast<int>(outcome));
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? static_cast<Outcome>(WEXITSTATUS(status)) : Outcome::wrong;
}

void check_done(Outcome outcome) {
  CHECK(outcome != Outcome::wrong);
  if (outcome == Outcome::skipped) MESSAGE("skipped: the system does not let this process try");
}

#if defined(__linux__)

void write_line(const char* path, const std::string& line) { std::ofstream(path) << line; }

/// A disk of so many bytes at `path`, for this process alone. False where that is not allowed.
bool mount_small_disk(const std::string& path, std::size_t bytes) {
  const std::string user = "0 " + std::to_string(geteuid()) + " 1",
                    group = "0 " + std::to_string(getegid()) + " 1";
  if (unshare(CLONE_NEWNS) != 0) {  // without the right to, as root of a user's own
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    write_line("/proc/self/setgroups", "deny");
    write_line("/proc/self/uid_map", user);
    write_line("/proc/self/gid_map", group);
  }
  const std::string size = "size=" + std::to_string(bytes);
  return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("none", path.c_str(), "tmpfs", 0, size.c_str()) == 0;
}

#endif

}  // namespace

TEST_CASE("places that cannot be written are an error, and what was there stays") {
  const Model model = load_tiny(1);
  Session session(model, session_options());
  session.append_tokens(random_tokens(300));
  (void)session.logits();
  const TemporaryFolder folder;
  const std::string path = folder.path("s");
  session.save(path);
  const Bytes before = contents(path);
  const std::vector<float> before_logits(session.logits().begin(), session.logits().end());
  const Token next = session.decode_step();
  const Bytes now = saved(session);
  CHECK_REFUSED(session.save("/dev/full"), "io", "/dev/full");
  CHECK_REFUSED(session.save("/nonexistent/folder/s"), "io", "/nonexistent/folder/s");
  CHECK_REFUSED(session.save(folder.path("")), "io");
  CHECK_REFUSED(session.save("/proc/self/s"), "io", "/proc/self/s");
  CHECK_REFUSED(session.save(path + "/s"), "io", "/s", "Not a directory");
  std::filesystem::create_directory(folder.path("d"));
  CHECK_REFUSED(session.save(folder.path("d")), "io", "/d", "expected a file");
  std::filesystem::remove(folder.path("d"));
  CHECK(same_bits(Session::restore(model, path).fork().logits(), before_logits));

  // a disk that is full after some KiB, as well as any system can play it
  const auto ignored = signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
  for (const rlim_t room : {0u, 1000u, 100'000u}) {
    rlimit small = old;
    small.rlim_cur = room;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    const std::string found = refusal([&] { session.save(path); });
    REQUIRE(setrlimit(RLIMIT_FSIZE, &old) == 0);
    CAPTURE(found);
    CHECK(mentions(found, {"io", path.c_str()}));
  }
  signal(SIGXFSZ, ignored);
  CHECK(contents(path) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path("")), {}) == 1);
  CHECK(saved(session) == now);  // the session knows of none of it
  CHECK(session.tokens().back() == next);
  session.save(path);
  CHECK(same_bits(Session::restore(model, path).logits(), session.logits()));
}

TEST_CASE("a folder that may only be read is an error, and the session goes on") {
  const Model model = load_tiny(1);  // no other threads: the process is doubled
  const TemporaryFolder folder;
  const std::string place = folder.path("d"), path = place + "/s", other = place + "/other";
  std::filesystem::create_directory(place);
  Session session(model, session_options());
  session.append_tokens(random_tokens(300));
  (void)session.logits();
  session.save(path);
  const Bytes before = contents(path);
  const std::vector<Token> rest = random_tokens(30, 2);
  Session same = session.fork();
  const LogitRows expected = stepwise_rows(same, rest);
  REQUIRE(chmod(place.c_str(), 0555) == 0);
  const Outcome result = in_child([&] {
    if (geteuid() == 0 && seteuid(65534) != 0) return Outcome::skipped;  // root may write anywhere
    const auto refused = [&](const std::string& target) {
      return mentions(refusal([&] { session.save(target); }),
                      {"io", target.c_str(), "Permission denied"});
    };
    return result_of(refused(path) && refused(other) && saved(session) == before &&
                     first_difference(expected, stepwise_rows(session, rest)) == -1);
  });
  REQUIRE(chmod(place.c_str(), 0755) == 0);
  check_done(result);
  CHECK(contents(path) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(place), {}) == 1);
}

#if defined(__linux__)

TEST_CASE("a disk that is full is an error, what was there stays, and the session goes on") {
  const Model model = load_tiny(1);  // no other threads: the process is doubled
  const TemporaryFolder folder;
  const std::string path = folder.path("s");
  Session small(model, session_options()), large(model, session_options());
  small.append_tokens(random_tokens(100));
  large.append_tokens(random_tokens(700));
  (void)small.logits();
  (void)large.logits();
  const Bytes before = saved(small), wanted = saved(large);
  const std::vector<Token> rest = random_tokens(30, 2);
  Session same = large.fork();
  const LogitRows expected = stepwise_rows(same, rest);
  // room for the file that is there and for some of the one to come
  const std::size_t room = before.size() + wanted.size() / 2;
  REQUIRE(wanted.size() / 2 > 100'000);
  check_done(in_child([&] {
    if (!mount_small_disk(folder.path(""), room)) return Outcome::skipped;
    small.save(path);
    const bool refused =
        mentions(refusal([&] { large.save(path); }), {"io", path.c_str(), "No space left"});
    const bool alone = std::distance(std::filesystem::directory_iterator(folder.path("")), {}) == 1;
    const bool kept = contents(path) == before && saved(large) == wanted;
    small.save(path);  // what was written in vain is gone
    return result_of(refused && alone && kept && contents(path) == before &&
                     first_difference(expected, stepwise_rows(large, rest)) == -1);
  }));
}

#endif

TEST_CASE(
    "saving to a file and restoring from one can be stopped at any moment from another thread") {
  const Model model = load_tiny(1);
  const TemporaryFolder folder;
  const std::string path = folder.path("s");
  Session session(model, session_options(KvType::f32));
  session.append_tokens(random_tokens(1000));
  const std::vector<float> logits(session.logits().begin(), session.logits().end());
  session.save(path);
  const Bytes before = contents(path);
  int saves = 0, restores = 0;
  for (int round = 0; round < 30; ++round) {
    std::atomic<bool> begun{false}, done{false};
    std::stop_source stop;
    std::thread stopper([&] {
      begun = true;
      std::this_thread::sleep_for(std::chrono::microseconds(50 * round));
      stop.request_stop();
      while (!done) session.cancel();
    });
    while (!begun) std::this_thread::yield();  // else one processor alone would always save first
    const std::string found = refusal([&] { session.save(path); });
    saves += mentions(found, {"cancelled"});
    CHECK((found == "accepted" || mentions(found, {"cancelled"})));
    done = true;
    stopper.join();
    const std::string read = refusal([&] {
      (void)Session::restore(model, path, session_options(KvType::f32), stop.get_token());
    });
    restores += mentions(read, {"cancelled"});
  }
  CHECK(saves > 0);
  CHECK(restores == 30);
  CHECK(contents(path) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path("")), {}) == 1);
  CHECK(same_bits(session.logits(), logits));
  CHECK(saved(session) == before);
}

TEST_CASE("a process killed while it saves leaves the old file or the new one") {
  const Model model = load_tiny(1);  // no other threads: the process is doubled
  const TemporaryFolder folder;
  const std::string path = folder.path("s");
  Session one(model, session_options()), two(model, session_options());
  one.append_tokens(random_tokens(200));
  two.append_tokens(random_tokens(500, 2));
  (void)one.logits();
  (void)two.logits();
  const Bytes first = saved(one), second = saved(two);
  one.save(path);
  for (int round = 0; round < 25; ++round) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (;;) {
        two.save(path);
        one.save(path);
      }
    }
    usleep(static_cast<useconds_t>(500 + 700 * round));
    REQUIRE(kill(child, SIGKILL) == 0);
    REQUIRE(waitpid(child, nullptr, 0) == child);
    const Bytes found = contents(path);
    REQUIRE((found == first || found == second));
  }
  two.save(path);  // whatever the killed ones left behind is in nobody's way
  CHECK(same_bits(Session::restore(model, path).logits(), two.logits()));
}

}  // namespace gemma4

#endif
