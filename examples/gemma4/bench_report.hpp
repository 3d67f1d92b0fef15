// What gemma4 bench prints.
#pragma once

#include <memory>

#include "bench_runs.hpp"

namespace cli {

/// Prints what it is told, at once.
class BenchReport : public BenchObserver {
 public:
  virtual ~BenchReport() = default;
  /// Nothing more comes, whether all was measured or not: what was printed is whole after it.
  virtual void end() = 0;
};

/// As JSON or as text. Both arguments must outlive it.
std::unique_ptr<BenchReport> make_report(const BenchArguments& arguments,
                                         const gemma4::Model& model);

}  // namespace cli
