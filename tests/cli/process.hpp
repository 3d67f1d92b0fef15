// Runs the gemma4 program as a user does: a new process, its streams captured.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli_test {

using Words = std::vector<std::string>;

struct Outcome {
  int exit_code = -1;  ///< -1: killed by a signal
  std::string out, err;
};

struct Setup {
  std::string input = {};        ///< what standard input holds
  std::string output_file = {};  ///< standard output goes there instead of into Outcome::out
  Words environment = {};        ///< "NAME=value", on top of what there is
  bool close_output = false;
};

/// Runs the program to its end.
Outcome run(const Words& arguments, const Setup& setup = {});

/// The program on a terminal of its own, as a person sees it.
class Terminal {
 public:
  explicit Terminal(const Words& arguments, int columns = 80);

  /// Whether the system gives out terminals; some containers do not. Says so when not.
  static bool available();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(std::string_view keys);  ///< "\x03" is Ctrl-C, "\x04" Ctrl-D
  bool wait_for(
      std::string_view text);  ///< reads until the screen's output holds the text; false after 60 s
  int finish();                ///< reads to the end; the exit code, -1 after a signal
  const std::string& screen() const { return screen_; }  ///< all that was ever written

 private:
  bool read_some();
  int terminal_ = -1;
  int process_ = -1;
  std::string screen_;
  std::size_t seen_ = 0;
};

/// A file that lives as long as the object, with the given content.
class ScratchFile {
 public:
  explicit ScratchFile(std::string_view content);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The bytes of a file of the source tree.
std::string source_file(const std::string& path);

}  // namespace cli_test
