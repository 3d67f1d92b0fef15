// The library's version.
#pragma once

#define GEMMA4_VERSION_MAJOR 0
#define GEMMA4_VERSION_MINOR 1
#define GEMMA4_VERSION_PATCH 0

namespace gemma4 {

/// The version of the library that is linked, "major.minor.patch"; a static string.
const char* version() noexcept;

}  // namespace gemma4
