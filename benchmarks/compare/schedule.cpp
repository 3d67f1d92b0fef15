#include "schedule.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "base/error.hpp"
#include "gemma4/model.hpp"
#include "machine/spread.hpp"

namespace gemma4::bench {
namespace {

constexpr std::uint64_t kStepsPerRound = 4;
constexpr int kReadsPerRound = 3;

/// Into the page cache, so that no engine pays for the disk.
void warm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(ErrorCode::io, path + ": cannot be read");
  std::vector<char> piece(4 << 20);
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size()))) {
  }
}

class Schedule {
 public:
  explicit Schedule(const CompareOptions& options)
      : options_(options), pool_(options.threads), limits_(pool_) {
    programs_.push_back(options.own);
    if (!options.llama.empty()) programs_.push_back(options.llama);
    isas_ = {options.isa, options.llama_cpu};
    results_.tops.resize(programs_.size());
    results_.engines.resize(programs_.size());
  }

  Results run() {
    const Inspection model = inspect(options_.model);
    results_.weights_bytes = static_cast<double>(model.plan.weights_bytes);
    keep_within(model.info.context_limit);
    const Peak* peak = fastest_int8();
    results_.int8 = limits_.compute(peak);
    if (peak != nullptr) results_.int8_name = peak->name;
    load();
    each([&](std::size_t e) { results_.tops[e] = engines_[e]->ask("top"); });
    if (options_.prefill > 0) prefill();
    for (const std::uint64_t depth : options_.depths) at_depth(depth);
    each([&](std::size_t e) {
      const std::vector<double> bytes = engines_[e]->numbers("memory");
      results_.memory.push_back({bytes.at(0), bytes.at(1)});
    });
    return std::move(results_);
  }

 private:
  template <typename Call>
  void each(const Call& call) {
    for (std::size_t e = 0; e < programs_.size(); ++e) call(e);
  }

  Row& add_row(What what, std::uint64_t depth, std::uint64_t tokens) {
    results_.rows.push_back({what, depth, tokens, {}});
    results_.rows.back().seconds.resize(programs_.size());
    return results_.rows.back();
  }

  void sample_read() {
    for (int i = 0; i < kReadsPerRound; ++i) results_.read.push_back(limits_.read());
    results_.read_weights.push_back(engines_.front()->numbers("read").at(0));
  }

  /// Of the instructions that this library may use.
  const Peak* fastest_int8() const {
    const bool wide = options_.isa.empty() || options_.isa == "avx512";
    const Peak* peak = wide ? int8_peak(Isa::avx512) : nullptr;
    return peak != nullptr ? peak : int8_peak(Isa::avx2);
  }

  static void say(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

  static std::uint64_t longest(const std::vector<std::uint64_t>& values) {
    return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  }

  /// Behind a depth: what is evaluated there and taken back.
  std::uint64_t measured() const { return std::max(longest(options_.batches), kStepsPerRound); }

  /// The deepest context is one that what is measured fills to its last position.
  void keep_within(std::uint64_t limit) {
    for (std::uint64_t& depth : options_.depths) {
      if (depth + measured() <= limit) continue;
      const std::uint64_t most = limit - std::min(limit, measured());
      say(format_text("depth %d: the model's context ends at %d, measuring at depth %d",
                      static_cast<int>(depth), static_cast<int>(limit), static_cast<int>(most)));
      depth = most;
    }
    context_ =
        std::max(std::min(longest(options_.depths) + measured() + 64, limit), options_.prefill);
  }

  /// The engines of the last turn stay.
  void load() {
    Row& row = add_row(What::load, 0, 0);
    for (std::uint64_t turn = 0; turn < options_.loads; ++turn) {
      engines_.clear();
      each([&](std::size_t e) {
        say("loading: " + programs_[e]);
        warm(options_.model);
        engines_.push_back(std::make_unique<Child>(programs_[e]));
        const std::string answer = engines_[e]->ask(format_text(
            "load %d %llu %s %s %s %s", options_.threads, static_cast<unsigned long long>(context_),
            options_.kv.c_str(), options_.activations.c_str(),
            isas_[e].empty() ? "-" : isas_[e].c_str(), options_.model.c_str()));
        row.seconds[e].push_back(std::stod(answer));
        results_.engines[e] = answer.substr(answer.find(' ') + 1);
      });
    }
  }

  void prefill() {
    Row& row = add_row(What::prefill, 0, options_.prefill);
    for (std::uint64_t round = 0; round < options_.prefill_rounds; ++round) {
      say(format_text("prefill, round %d", static_cast<int>(round) + 1));
      each([&](std::size_t e) {
        row.seconds[e].push_back(
            engines_[e]->numbers("prefill " + std::to_string(options_.prefill)).at(0));
      });
    }
  }

  /// Engines take turns within each size and sizes within each round: what disturbs the machine
  /// for a while disturbs all alike. The first round warms up.
  void at_depth(std::uint64_t depth) {
    each([&](std::size_t e) { engines_[e]->ask("fill " + std::to_string(depth)); });
    Row decode{What::decode, depth, 1, std::vector<std::vector<double>>(programs_.size())};
    std::vector<Row> batches;
    for (const std::uint64_t n : options_.batches)
      batches.push_back({What::batch, depth, n, decode.seconds});
    for (std::uint64_t round = 0; round <= options_.rounds; ++round) {
      say(format_text("depth %d, round %d", static_cast<int>(depth), static_cast<int>(round)));
      sample_read();
      each([&](std::size_t e) {
        for (const double seconds : engines_[e]->numbers("steps " + std::to_string(kStepsPerRound)))
          if (round > 0) decode.seconds[e].push_back(seconds);
      });
      for (Row& row : batches) {
        each([&](std::size_t e) {
          const double seconds = engines_[e]->numbers("batch " + std::to_string(row.tokens)).at(0);
          if (round > 0) row.seconds[e].push_back(seconds);
        });
      }
    }
    results_.rows.push_back(std::move(decode));
    for (Row& row : batches) results_.rows.push_back(std::move(row));
  }

  CompareOptions options_;
  std::uint64_t context_ = 0;
  WorkerPool pool_;
  Limits limits_;
  std::vector<std::string> programs_, isas_;
  std::vector<std::unique_ptr<Child>> engines_;
  Results results_;
};

}  // namespace

Results compare(const CompareOptions& options) { return Schedule(options).run(); }

}  // namespace gemma4::bench
