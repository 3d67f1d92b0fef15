#include "cli/process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace cli_test {
namespace {

// Becomes the program. Only between fork and exec.
[[noreturn]] void become_program(const Words& arguments, const Words& environment) {
  for (const std::string& variable : environment) ::putenv(const_cast<char*>(variable.c_str()));
  std::vector<char*> words = {const_cast<char*>(GEMMA4_PROGRAM)};
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execv(GEMMA4_PROGRAM, words.data());
  ::_exit(127);
}

int exit_code(int process) {
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

ScratchFile::ScratchFile(std::string_view content) {
  const char* folder = std::getenv("TMPDIR");
  path_ = std::string(folder != nullptr ? folder : "/tmp") + "/gemma4-cli-test-XXXXXX";
  const int file = ::mkstemp(path_.data());
  if (file < 0) throw std::runtime_error("cannot create " + path_);
  ::close(file);
  std::ofstream(path_, std::ios::binary) << content;
}

ScratchFile::~ScratchFile() { std::remove(path_.c_str()); }

std::string source_file(const std::string& path) {
  return content_of(std::string(GEMMA4_SOURCE_DIR) + "/" + path);
}

Outcome run(const Words& arguments, const Setup& setup) {
  // Files instead of pipes: nothing can block, whatever is written where first.
  const ScratchFile input(setup.input), out(""), err("");
  const std::string output = setup.output_file.empty() ? out.path() : setup.output_file;
  const int process = ::fork();
  if (process == 0) {
    ::dup2(::open(input.path().c_str(), O_RDONLY), 0);
    ::dup2(::open(output.c_str(), O_WRONLY), 1);
    ::dup2(::open(err.path().c_str(), O_WRONLY), 2);
    if (setup.close_output) ::close(1);
    become_program(arguments, setup.environment);
  }
  Outcome outcome;
  outcome.exit_code = exit_code(process);
  outcome.out = content_of(out.path());
  outcome.err = content_of(err.path());
  return outcome;
}

bool Terminal::available() {
  int terminal = -1, program_side = -1;
  if (::openpty(&terminal, &program_side, nullptr, nullptr, nullptr) != 0) {
    MESSAGE("skipped: this system gives out no pseudo terminals");
    return false;
  }
  ::close(terminal);
  ::close(program_side);
  return true;
}

Terminal::Terminal(const Words& arguments, int columns) {
  winsize size{};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(columns);
  process_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
  if (process_ < 0) throw std::runtime_error("no terminal");
  if (process_ == 0) become_program(arguments, {"TERM=xterm"});
}

Terminal::~Terminal() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    exit_code(process_);
  }
  ::close(terminal_);
}

void Terminal::type(std::string_view keys) { (void)!::write(terminal_, keys.data(), keys.size()); }

bool Terminal::read_some() {
  pollfd waiting{terminal_, POLLIN, 0};
  if (::poll(&waiting, 1, 60'000) <= 0) return false;
  char block[4096];
  const ssize_t count = ::read(terminal_, block, sizeof block);  // fails once the program has ended
  if (count <= 0) return false;
  screen_.append(block, static_cast<std::size_t>(count));
  return true;
}

bool Terminal::wait_for(std::string_view text) {
  std::size_t found;
  while ((found = screen_.find(text, seen_)) == std::string::npos) {
    if (!read_some()) return false;
  }
  seen_ = found + text.size();
  return true;
}

int Terminal::finish() {
  while (read_some()) {
  }
  const int code = exit_code(process_);
  process_ = -1;
  return code;
}

}  // namespace cli_test
