# Flags every target of the project needs, as an interface target: nothing global, nothing for consumers.
add_library(gemma4_flags INTERFACE)
target_compile_features(gemma4_flags INTERFACE cxx_std_20)
if(MSVC)
  target_compile_options(gemma4_flags INTERFACE /W4 /fp:precise $<$<BOOL:${GEMMA4_WERROR}>:/WX>)
else()
  # -ffp-contract=off: an fma happens where the source says fma and nowhere else (docs/numerics.md, rule 1).
  target_compile_options(gemma4_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -ffp-contract=off -fno-math-errno
                         $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>  # GCC 12 misreads string +
                         $<$<BOOL:${GEMMA4_WERROR}>:-Werror>)
  if(CMAKE_UNITY_BUILD)  # a source file read by another looks like a header with unnamed things in it
    target_compile_options(gemma4_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
  if(GEMMA4_SANITIZE)
    target_compile_options(gemma4_flags INTERFACE -fsanitize=${GEMMA4_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=undefined)
    target_link_options(gemma4_flags INTERFACE -fsanitize=${GEMMA4_SANITIZE})
  endif()
endif()
