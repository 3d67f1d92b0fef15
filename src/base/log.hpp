// Lines for the host's log, if it has one: the library itself never prints.
#pragma once

#include <string_view>

#include "gemma4/log.hpp"

namespace gemma4 {

/// Where a call's lines go. Refers to the caller's sink; what that throws does no harm.
class Log {
 public:
  Log() = default;  ///< nowhere
  explicit Log(const LogSink& sink) : sink_(sink ? &sink : nullptr) {}

  void info(std::string_view line) const noexcept { tell(LogLevel::info, line); }
  void warning(std::string_view line) const noexcept { tell(LogLevel::warning, line); }

 private:
  void tell(LogLevel level, std::string_view line) const noexcept {
    if (sink_ == nullptr) return;
    try {
      (*sink_)(level, line);
    } catch (...) {  // a line less is no reason to fail
    }
  }

  const LogSink* sink_ = nullptr;
};

}  // namespace gemma4
