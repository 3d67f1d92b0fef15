# Cross compilation to 64-bit Arm Linux with Debian's or Ubuntu's g++-aarch64-linux-gnu; tests run under qemu-user.
#
#   cmake -B build-arm -DCMAKE_TOOLCHAIN_FILE=cmake/toolchains/aarch64-linux-gnu.cmake -DCMAKE_FIND_ROOT_PATH=<root>
#
# <root> is a folder with simdjson, xxHash and doctest for arm64 (their packages unpacked, or a whole root file system).
# tests/kernels/run_aarch64.sh tests the kernels alone and needs no such folder.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

# Programs come from the machine that builds, all else from the target's folders.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# pkg-config would answer for the machine that builds.
if(CMAKE_FIND_ROOT_PATH)
  list(GET CMAKE_FIND_ROOT_PATH 0 _gemma4_root)
  set(ENV{PKG_CONFIG_SYSROOT_DIR} ${_gemma4_root})
  set(ENV{PKG_CONFIG_LIBDIR} ${_gemma4_root}/usr/lib/aarch64-linux-gnu/pkgconfig:${_gemma4_root}/usr/share/pkgconfig)
endif()

# Debian's cross libraries; QEMU_CPU selects the processor, for example cortex-a53 (no dot product instruction).
find_program(GEMMA4_QEMU NAMES qemu-aarch64 qemu-aarch64-static)
if(GEMMA4_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${GEMMA4_QEMU} -L /usr/aarch64-linux-gnu)
endif()
