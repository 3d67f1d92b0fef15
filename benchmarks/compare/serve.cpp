#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

#include "base/error.hpp"
#include "engine.hpp"
#include "machine/spread.hpp"

namespace gemma4::bench {
namespace {

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Waits until this process computes nothing any more: worker threads may spin for a while after a
/// job, which must not fall into the other engine's time.
void fall_asleep() {
  constexpr double kPause = 0.005;
  for (int i = 0; i < 400; ++i) {
    const double before = cpu_seconds();
    ::usleep(static_cast<useconds_t>(kPause * 1e6));
    if (cpu_seconds() - before < 0.1 * kPause) return;
  }
}

/// A value in bytes out of /proc/self/status.
unsigned long long status_bytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1)) * 1024;
  }
  return 0;
}

class Server {
 public:
  explicit Server(Engine& engine) : engine_(engine) {}

  /// The answer after "ok".
  std::string answer(const std::string& command, std::istringstream& arguments) {
    if (command == "load") return load(arguments);
    if (command == "top") return top();
    if (command == "read") return number(engine_.read_weights());
    if (command == "memory")
      return format_text("%llu %llu", status_bytes("VmHWM"), status_bytes("RssAnon"));
    std::uint32_t count = 0;
    if (!(arguments >> count)) fail(ErrorCode::invalid_argument, command + ": expected a number");
    if (command == "prefill") return prefill(count);
    if (command == "fill") return fill(count);
    if (command == "steps") return steps(count);
    if (command == "batch") return batch(count);
    fail(ErrorCode::invalid_argument, "unknown command " + command);
  }

 private:
  static std::string number(double value) { return format_text("%.9f", value); }

  std::string load(std::istringstream& arguments) {
    EngineOptions options;
    arguments >> options.threads >> options.context >> options.kv >> options.activations >>
        options.isa >> std::ws;
    std::getline(arguments, options.model);
    if (options.isa == "-") options.isa.clear();
    std::string description;
    const double seconds = seconds_of([&] { description = engine_.load(options); });
    return number(seconds) + " " + description;
  }

  /// Tokens without meaning: the time does not depend on them.
  std::vector<std::int32_t> tokens(std::uint32_t count) {
    std::vector<std::int32_t> result(count);
    for (std::int32_t& token : result) {
      random_ = random_ * 6364136223846793005u + 1442695040888963407u;
      const std::uint32_t first = engine_.vocabulary() / 8;  // past what may be special
      token = static_cast<std::int32_t>(first + (random_ >> 33) % (engine_.vocabulary() - first));
    }
    return result;
  }

  double time(std::uint32_t count, bool all_logits) {
    const std::vector<std::int32_t> batch = tokens(count);
    return seconds_of([&] { engine_.evaluate(batch, all_logits); });
  }

  std::string top() {
    random_ = 1;
    engine_.rewind(0);
    time(32, false);
    const std::span<const float> logits = engine_.logits();
    const auto best = std::max_element(logits.begin(), logits.end());
    const std::string text =
        format_text("%td %.4f", best - logits.begin(), static_cast<double>(*best));
    engine_.rewind(0);
    return text;
  }

  std::string prefill(std::uint32_t count) {
    engine_.rewind(0);
    const double seconds = time(count, false);
    engine_.rewind(0);
    return number(seconds);
  }

  std::string fill(std::uint32_t depth) {
    engine_.rewind(0);
    const std::uint32_t evaluated = std::min(depth, kEvaluatedTokens);
    if (evaluated > 0) time(evaluated, false);
    if (depth > evaluated) engine_.stretch(depth);
    depth_ = depth;
    return "";
  }

  std::string steps(std::uint32_t count) {
    std::string text;
    for (std::uint32_t i = 0; i < count; ++i) text += number(time(1, true)) + " ";
    engine_.rewind(depth_);
    return text;
  }

  std::string batch(std::uint32_t count) {
    const double seconds = time(count, true);
    engine_.rewind(depth_);
    return number(seconds);
  }

  Engine& engine_;
  std::uint64_t random_ = 1;
  std::uint32_t depth_ = 0;
};

}  // namespace

int serve(Engine& engine) {
  Server server(engine);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream arguments(line);
    std::string command, result;
    arguments >> command;
    try {
      result = "ok " + server.answer(command, arguments);
    } catch (const std::exception& error) {
      result = std::string("error ") + error.what();
    }
    fall_asleep();
    std::replace(result.begin(), result.end(), '\n', ' ');
    std::cout << result << std::endl;
  }
  return 0;
}

}  // namespace gemma4::bench
