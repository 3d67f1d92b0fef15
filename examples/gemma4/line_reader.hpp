// Lines from standard input that Ctrl-C can interrupt.
#pragma once

#include <string>

namespace cli {

class LineReader {
 public:
  enum class Result { line, end, interrupted };

  /// The next line without its newline. `interrupted`: Ctrl-C was pressed while waiting; it is used
  /// up.
  Result read(std::string& line);

 private:
  std::string waiting_;  // read, but not asked for yet
  bool ended_ = false;
};

}  // namespace cli
