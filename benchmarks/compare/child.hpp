// An engine's process and the pipe to it.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

namespace gemma4::bench {

class Child {
 public:
  explicit Child(const std::string& program);
  ~Child();  ///< ends the process and waits for it
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Sends a line and returns what follows "ok" in the answer. Throws Error with the answer
  /// otherwise, or when the process has died.
  std::string ask(const std::string& command);

  /// The numbers that the answer begins with.
  std::vector<double> numbers(const std::string& command);

 private:
  std::string program_;
  pid_t process_ = -1;
  std::FILE *to_ = nullptr, *from_ = nullptr;
};

}  // namespace gemma4::bench
