// Short ways to throw gemma4::Error with a formatted message.
#pragma once

#include <string>
#include <string_view>

#include "gemma4/error.hpp"

namespace gemma4 {

/// printf-style formatting into a string.
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
std::string
format_text(const char* format, ...);

/// Throws Error(code, message).
[[noreturn]] void fail(ErrorCode code, const std::string& message);

/// Text from a file made fit for an error message: at most `limit` bytes, anything but printable
/// ASCII as \xNN.
std::string in_quotes(std::string_view text, std::size_t limit = 80);

}  // namespace gemma4
