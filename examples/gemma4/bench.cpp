// gemma4 bench: what a model does on this machine, beside what the machine can do.
#include "bench_report.hpp"
#include "bench_runs.hpp"
#include "commands.hpp"
#include "terminal.hpp"

namespace cli {

int run_bench(const Arguments& words) {
  BenchArguments arguments;
  const OptionTable table = arguments.table();
  if (!table.parse(words)) {
    write_out(table.help());
    return 0;
  }
  arguments.settle();
  const gemma4::Model model = arguments.load.load();
  const std::unique_ptr<BenchReport> report = make_report(arguments, model);
  try {
    run_measurements(arguments, model, *report);
  } catch (...) {
    report->end();
    throw;
  }
  report->end();
  return 0;
}

}  // namespace cli
