// Errors of the C++ API.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace gemma4 {

/// What went wrong, for programs. Values never change; new ones are appended.
enum class ErrorCode : std::int32_t {
  invalid_argument = 1,  ///< the caller's option, token or text cannot be used
  io = 2,                ///< a file cannot be opened, read or written
  format = 3,            ///< a file is damaged, or its parts contradict each other
  unsupported = 4,       ///< a valid file or option that this build cannot handle
  out_of_memory = 5,     ///< the operating system gave no memory
  budget_exceeded = 6,   ///< the memory plan is larger than the budget that was set
  context_full = 7,      ///< the tokens do not fit into the session's context
  cancelled = 8,         ///< stopped by a stop token, cancel() or a progress callback
  internal = 9,          ///< a defect of this library; please report it
};

/// The name of a code ("invalid_argument", ...); a static string.
const char* error_code_name(ErrorCode code) noexcept;

/// Thrown by every function of this API that can fail. what() names the file, the item, the
/// expected and the found value.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace gemma4
