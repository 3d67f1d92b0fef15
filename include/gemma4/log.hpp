// What a load has to say besides its result.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace gemma4 {

enum class LogLevel : std::int32_t {
  info = 1,     ///< what was chosen: kernels, files, what of a file is not used
  warning = 2,  ///< something asked for could not be had, and the load went on without it
};

/// Gets a line of text for people, without a line end, that lives during the call. Called on the
/// thread that called the library, during that call, some lines per file and never per token. What
/// it throws is swallowed. Must not call the library.
using LogSink = std::function<void(LogLevel level, std::string_view line)>;

}  // namespace gemma4
