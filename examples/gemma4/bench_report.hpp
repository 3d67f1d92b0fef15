// What gemma4 bench prints.
#pragma once

#include "bench_runs.hpp"

namespace cli {

void print_json(const BenchArguments& arguments, const gemma4::Model& model,
                const BenchResults& results);
void print_text(const BenchArguments& arguments, const gemma4::Model& model,
                const BenchResults& results);

}  // namespace cli
