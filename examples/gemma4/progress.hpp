// A progress line on standard error, drawn only for people.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace cli {

/// Draws "label [#####.....]  50%" in place while work goes on, and wipes it when done. Silent
/// unless standard error is a terminal, and for work that ends within a quarter of a second.
class Progress {
 public:
  explicit Progress(std::string label);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::uint64_t done, std::uint64_t total);
  void begin();   ///< draws 0 % at once, for work known to be long before its first update
  void finish();  ///< wipes the line; before anything else is printed

 private:
  void draw(std::uint64_t done, std::uint64_t total);

  std::string label_;
  bool visible_;
  std::size_t drawn_ = 0;  // characters on the line
  std::chrono::steady_clock::time_point next_;
};

/// The line for a terminal of `columns`: never as wide as the terminal, so that it cannot wrap.
/// Under 20 columns the percentage alone.
std::string progress_line(const std::string& label, std::uint64_t done, std::uint64_t total,
                          int columns);

}  // namespace cli
