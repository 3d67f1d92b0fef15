#include "progress.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "terminal.hpp"

namespace cli {

Progress::Progress(std::string label)
    : label_(std::move(label)),
      visible_(error_is_terminal()),
      next_(std::chrono::steady_clock::now() + std::chrono::milliseconds(250)) {}

void Progress::update(std::uint64_t done, std::uint64_t total) {
  if (!visible_ || total == 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  draw(done, total);
}

void Progress::begin() {
  if (visible_) draw(0, 1);
}

void Progress::draw(std::uint64_t done, std::uint64_t total) {
  const std::string line = progress_line(label_, done, total, error_columns());
  // What was drawn before may be longer: spaces over it, within the present width.
  const std::size_t room = static_cast<std::size_t>(std::max(1, error_columns() - 1));
  const std::size_t blanks = std::min(drawn_, room) - std::min({drawn_, room, line.size()});
  std::fprintf(stderr, "\r%s%*s", line.c_str(), static_cast<int>(blanks), "");
  std::fflush(stderr);
  drawn_ = line.size();
}

void Progress::finish() {
  if (drawn_ == 0) return;
  const std::size_t room = static_cast<std::size_t>(std::max(1, error_columns() - 1));
  std::fprintf(stderr, "\r%*s\r", static_cast<int>(std::min(drawn_, room)), "");
  std::fflush(stderr);
  drawn_ = 0;
}

std::string progress_line(const std::string& label, std::uint64_t done, std::uint64_t total,
                          int columns) {
  const double share =
      total == 0 ? 0.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  char percent[8];
  std::snprintf(percent, sizeof percent, "%3d%%",
                static_cast<int>(share * 100));  // rounded down: 100 % is the end
  const int bar = std::min(40, columns - 1 - static_cast<int>(label.size()) - 8);
  if (bar < 4) {
    std::string line = columns < 20 ? percent : label + " " + percent;
    if (static_cast<int>(line.size()) > columns - 1) line = percent;
    return line.substr(0, static_cast<std::size_t>(std::max(0, columns - 1)));
  }
  const auto filled = static_cast<std::size_t>(share * bar);
  return label + " [" + std::string(filled, '#') +
         std::string(static_cast<std::size_t>(bar) - filled, '.') + "] " + percent;
}

}  // namespace cli
