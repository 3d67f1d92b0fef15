# Most of what the compiler reads is the standard library, again for every file; a precompiled header is read once for all files that are
# compiled alike. A file that forgets an include still compiles then, and GCC 12 warns of what the standard library does, taking it for our code. So this is
# for tests, and for builds with sanitizers, whose sources are compiled without it too.
option(GEMMA4_PRECOMPILE "Precompile the standard headers for the library and the program too" OFF)

set(gemma4_precompile_options
    "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-array-bounds;-Wno-stringop-overflow>")

# gemma4_precompile(TARGET [HEADERS...]): the standard headers, and HEADERS
function(gemma4_precompile target)
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <atomic> <bit> <chrono> <cmath> <cstddef> <cstdint> <cstdio> <cstdlib> <cstring> <filesystem> <fstream> <functional>
    <limits> <map> <memory> <mutex> <optional> <random> <span> <stdexcept> <string> <string_view> <thread> <utility> <vector> ${ARGN})
  target_compile_options(${target} PRIVATE ${gemma4_precompile_options})
endfunction()
