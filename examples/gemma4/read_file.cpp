#include "read_file.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "gemma4/error.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "terminal.hpp"

namespace cli {

namespace {

[[noreturn]] void fail(const std::string& name, const std::string& why) {
  throw std::runtime_error("cannot read " + name + ": " + why);
}

void append(std::string& text, const char* block, std::size_t count, const std::string& name) {
  if (text.size() + count > kMaxTextBytes) {
    fail(name, "expected at most " + std::to_string(kMaxTextBytes) + " bytes, found more");
  }
  text.append(block, count);
}

// A person may be typing: Ctrl-C must be heard while waiting.
std::string read_standard_input() {
  const std::string name = "standard input";
  if (input_is_terminal()) std::fputs("Reading standard input, Ctrl-D ends it.\n", stderr);
  std::string text;
  char block[1 << 16];
  while (true) {
    pollfd sources[2] = {{STDIN_FILENO, POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};
    if (::poll(sources, 2, -1) < 0 && errno != EINTR) fail(name, std::strerror(errno));
    if (interrupted()) throw gemma4::Error(gemma4::ErrorCode::cancelled, "cancelled");
    if (sources[0].revents == 0) continue;
    const ssize_t count = ::read(STDIN_FILENO, block, sizeof block);
    if (count == 0) return text;
    if (count > 0) append(text, block, static_cast<std::size_t>(count), name);
    if (count < 0 && errno != EINTR && errno != EAGAIN) fail(name, std::strerror(errno));
  }
}

}  // namespace

std::string read_file(const std::string& path) {
  if (path == "-") return read_standard_input();
  const std::string name = shown(path);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (file == nullptr) fail(name, std::strerror(errno));
  std::string text;
  char block[1 << 16];
  while (const std::size_t count = std::fread(block, 1, sizeof block, file.get()))
    append(text, block, count, name);
  if (std::ferror(file.get()) != 0)
    fail(name, errno == EISDIR ? "it is a directory" : std::strerror(errno));
  return text;
}

}  // namespace cli
