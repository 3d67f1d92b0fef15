#include "line_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "interrupt.hpp"

namespace cli {

LineReader::Result LineReader::read(std::string& line) {
  while (true) {
    const std::size_t newline = waiting_.find('\n');
    if (newline != std::string::npos) {
      line = waiting_.substr(0, newline);
      waiting_.erase(0, newline + 1);
      return Result::line;
    }
    if (ended_) {
      line = std::exchange(waiting_, {});
      return line.empty() ? Result::end : Result::line;
    }
    pollfd sources[2] = {{STDIN_FILENO, POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};
    if (::poll(sources, 2, -1) < 0) {
      if (errno == EINTR) continue;
      throw std::runtime_error(std::string("cannot wait for input: ") + std::strerror(errno));
    }
    if (sources[1].revents != 0) {
      clear_interrupts();
      waiting_.clear();
      return Result::interrupted;
    }
    char block[4096];
    const ssize_t count = ::read(STDIN_FILENO, block, sizeof block);
    if (count < 0 && errno != EINTR && errno != EAGAIN) {
      throw std::runtime_error(std::string("cannot read standard input: ") + std::strerror(errno));
    }
    if (count > 0) waiting_.append(block, static_cast<std::size_t>(count));
    if (count == 0) ended_ = true;
  }
}

}  // namespace cli
