#!/bin/sh
# Builds the kernel tests for 64-bit Arm and runs them under emulation, on a processor with the dot product instruction
# and on one without. Speed under emulation means nothing; the bits do.
#
#   tests/kernels/run_aarch64.sh [build folder]
#
# Exit status: 0 passed, 1 failed, 77 skipped because a tool is missing (it says which).
# CXX, QEMU and DOCTEST_DIR (the folder that holds doctest/doctest.h) may be set.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-${TMPDIR:-/tmp}/gemma4-aarch64}
cxx=${CXX:-aarch64-linux-gnu-g++}
doctest=${DOCTEST_DIR:-/usr/include}

skip() {
  echo "SKIPPED, nothing was tested: $1" >&2
  exit 77
}
command -v "$cxx" > /dev/null || skip "no cross compiler $cxx (Debian: g++-aarch64-linux-gnu)"
qemu=${QEMU:-$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)}
[ -n "$qemu" ] || skip "no qemu-aarch64 (Debian: qemu-user)"
[ -e "$doctest/doctest/doctest.h" ] || skip "no $doctest/doctest/doctest.h (Debian: doctest-dev)"

mkdir -p "$build/include"
# a link to doctest alone: the whole of /usr/include is the building machine's
ln -sfn "$doctest/doctest" "$build/include/doctest"
rm -f "$build"/*.o

# As cmake/Gemma4Flags.cmake has them. GCC 12 misreads string +, hence -Wno-restrict.
flags="-std=c++20 -O3 -ffp-contract=off -fno-math-errno -Wall -Wextra -Wpedantic -Wshadow -Wno-restrict -Werror"
cd "$root"
# built without oneDNN: absent.cpp stands for it
for source in src/kernels/*.cpp src/kernels/*/kernels.cpp src/kernels/onednn/absent.cpp src/base/*.cpp tests/main/main.cpp \
  tests/kernels/*_test.cpp; do
  printf '%s %s\n' "$source" "$build/$(printf %s "$source" | tr / _).o"
done > "$build/sources"
xargs -P "$(nproc)" -L 1 sh -c '"$0" $1 -Iinclude -Isrc -Itests -isystem "$2/include" -c "$3" -o "$4"' \
  "$cxx" "$flags" "$build" < "$build/sources"
# static, so that the emulator needs no Arm libraries
"$cxx" -static "$build"/*.o -o "$build/kernels_test"

failed=0
for cpu in max cortex-a53; do
  echo "== $cpu"
  "$qemu" -cpu "$cpu" "$build/kernels_test" || failed=1
done
[ "$failed" = 0 ] && echo "64-bit Arm kernels: passed with and without the dot product instruction"
exit "$failed"
