// gemma4-bench: the kernels on the 12B's shapes, as shares of what the machine can do.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.hpp"
#include "base/error.hpp"
#include "machine/report.hpp"
#include "setup.hpp"

namespace {

using namespace gemma4;
using namespace gemma4::bench;

constexpr const char* kUsage =
    "usage: gemma4-bench [--threads N] [--isa scalar|avx2|avxvnni|avx512]\n"
    "                    [--activations int8|int16] [BENCHMARK OPTIONS]\n"
    "\n"
    "  --threads N         default: the cores this process may use\n"
    "  --isa NAME          default: the best that the processor has\n"
    "  --activations NAME  of the matrices' benchmarks; default: int8\n"
    "\n"
    "Of Google Benchmark, among others: --benchmark_filter=REGEX, --benchmark_list_tests,\n"
    "--benchmark_min_time=SECONDS, --benchmark_format=json, --benchmark_out=FILE\n";

struct Options {
  int threads = available_cores();
  Isa isa = Isa::automatic;
  ActivationType activations = ActivationType::int8;
  bool help = false;
  std::vector<char*> rest;  // for Google Benchmark
};

Isa isa_of(std::string_view name) {
  for (const Isa isa : {Isa::automatic, Isa::scalar, Isa::avx2, Isa::avxvnni, Isa::avx512}) {
    if (name == isa_name(isa)) return isa;
  }
  fail(ErrorCode::invalid_argument, "--isa: unknown instruction set " + std::string(name));
}

ActivationType activations_of(std::string_view name) {
  for (const ActivationType type : {ActivationType::int8, ActivationType::int16}) {
    if (name == activation_type_name(type)) return type;
  }
  fail(ErrorCode::invalid_argument, "--activations: expected int8 or int16");
}

Options parse(int argc, char** argv) {
  Options options;
  options.rest.push_back(argv[0]);
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help") {
      options.help = true;
    } else if (word == "--threads" && i + 1 < argc) {
      options.threads = std::atoi(argv[++i]);
      if (options.threads < 1 || options.threads > 1024)
        fail(ErrorCode::invalid_argument, "--threads: expected 1 ... 1024");
    } else if (word == "--isa" && i + 1 < argc) {
      options.isa = isa_of(argv[++i]);
    } else if (word == "--activations" && i + 1 < argc) {
      options.activations = activations_of(argv[++i]);
    } else {
      options.rest.push_back(argv[i]);
    }
  }
  return options;
}

std::string rate(double per_second, const char* unit, const Peak* peak) {
  return peak == nullptr ? "not measured"
                         : format_text("%.1f %s (%s)", per_second * 1e-9, unit, peak->name);
}

void describe(Setup& setup) {
  std::vector<double> read;
  for (int i = 0; i < 9; ++i) read.push_back(setup.limits.read());
  const Spread speed = spread(read);
  benchmark::AddCustomContext("machine", describe_machine());
  benchmark::AddCustomContext("isa", isa_name(setup.kernels.isa));
  benchmark::AddCustomContext("activations", setup.digits == 1 ? "int8" : "int16");
  benchmark::AddCustomContext("threads", std::to_string(setup.pool.threads()));
  benchmark::AddCustomContext("streaming read",
                              format_text("%.1f GB/s (%.1f ... %.1f)", speed.median * 1e-9,
                                          speed.min * 1e-9, speed.max * 1e-9));
  for (const Isa isa : {Isa::avx2, Isa::avx512}) {
    const std::string name = std::string("int8 peak, ") + isa_name(isa);
    const Peak* peak = int8_peak(isa);
    benchmark::AddCustomContext(name, rate(setup.limits.compute(peak), "GMAC/s", peak));
  }
  benchmark::AddCustomContext("float peak",
                              rate(setup.limits.compute(setup.floats), "GMAC/s", setup.floats));
  benchmark::AddCustomContext("of_peak",
                              "share of the int8 (matrices) or float (attention) peak "
                              "of the instruction set in use; one multiply-add with int16 "
                              "activations is two of int8");
}

int run(int argc, char** argv) {
  Options options = parse(argc, argv);
  if (options.help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  std::string tabular = "--benchmark_counters_tabular=true";
  options.rest.insert(options.rest.begin() + 1, tabular.data());
  int count = static_cast<int>(options.rest.size());
  options.rest.push_back(nullptr);
  benchmark::Initialize(&count, options.rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, options.rest.data())) return 2;
  const Kernels* kernels = find_kernels(options.isa);
  if (kernels == nullptr)
    fail(ErrorCode::unsupported, "--isa: this processor lacks the instruction set");
  Setup setup(options.threads, *kernels, activation_digits(options.activations));
  describe(setup);
  register_matmul(setup);
  register_attention(setup);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gemma4-bench: %s\n", error.what());
    return 1;
  }
}
