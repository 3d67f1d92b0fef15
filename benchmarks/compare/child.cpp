#include "child.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <sstream>

#include "base/error.hpp"

namespace gemma4::bench {

Child::Child(const std::string& program) : program_(program) {
  std::signal(SIGPIPE, SIG_IGN);  // a dead engine is found by its missing answer
  int down[2], up[2];
  // closed in engines that are started later: otherwise this one would not see its pipe end
  if (::pipe2(down, O_CLOEXEC) != 0 || ::pipe2(up, O_CLOEXEC) != 0)
    fail(ErrorCode::io, "pipes could not be made");
  process_ = ::fork();
  if (process_ < 0) fail(ErrorCode::io, program + ": cannot be started");
  if (process_ == 0) {
    ::dup2(down[0], 0);
    ::dup2(up[1], 1);
    ::execl(program.c_str(), program.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(down[0]);
  ::close(up[1]);
  to_ = ::fdopen(down[1], "w");
  from_ = ::fdopen(up[0], "r");
  if (to_ == nullptr || from_ == nullptr) fail(ErrorCode::out_of_memory, "no memory for pipes");
}

Child::~Child() {
  if (to_ != nullptr) std::fclose(to_);
  if (from_ != nullptr) std::fclose(from_);
  int status = 0;
  ::waitpid(process_, &status, 0);
}

std::string Child::ask(const std::string& command) {
  std::fputs((command + "\n").c_str(), to_);
  std::fflush(to_);
  std::string line;
  for (int c = std::fgetc(from_); c != EOF && c != '\n'; c = std::fgetc(from_))
    line += static_cast<char>(c);
  if (line.starts_with("ok")) return line.substr(std::min<std::size_t>(3, line.size()));
  fail(ErrorCode::internal,
       program_ + ": " + command + ": " + (line.empty() ? "it died; out of memory?" : line));
}

std::vector<double> Child::numbers(const std::string& command) {
  std::istringstream words(ask(command));
  std::vector<double> values;
  for (double value = 0; words >> value;) values.push_back(value);
  if (values.empty()) fail(ErrorCode::internal, program_ + ": " + command + ": no number");
  return values;
}

}  // namespace gemma4::bench
