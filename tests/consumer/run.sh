#!/usr/bin/env bash
# Installs a built tree, moves the installation, and uses it from outside in each way there is.
# usage: run.sh BUILD_FOLDER
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
model=$root/models/tiny/gemma4-tiny-q4_0.gguf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '\n-- %s\n' "$*"; }
die() { printf 'consumer: %s\n' "$*" >&2; exit 1; }

say "install, then move the installation"
cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
if grep -rlF -e "$root" -e "$work/first" "$work/moved" --include='*.cmake' --include='*.pc'; then
  echo "the files above name the place where they were made" >&2
  exit 1
fi

say "the installed program, with the model installed beside it"
env -u GEMMA4_MODEL "$work/moved/bin/gemma4" generate --chat --prompt "What is the capital of Japan?"

say "find_package, from C++"
cmake -S "$here" -B "$work/found" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PREFIX_PATH="$work/moved" >/dev/null
cmake --build "$work/found"
"$work/found/consumer" "$model"

say "find_package, from C with the shared library"
cmake -S "$here/c" -B "$work/found_c" -G Ninja -DCMAKE_PREFIX_PATH="$work/moved" >/dev/null
cmake --build "$work/found_c"
"$work/found_c/consumer" "$model"

say "find_package, from C with the static library"
cmake -S "$here/c" -B "$work/found_static" -G Ninja -DCMAKE_PREFIX_PATH="$work/moved" \
  -DCONSUMER_TARGET=gemma4::c_static >/dev/null
cmake --build "$work/found_static"
"$work/found_static/consumer" "$model"

say "pkg-config, from C++"
libraries=$(dirname "$(find "$work/moved" -name libgemma4.a)")
export PKG_CONFIG_PATH=$libraries/pkgconfig
pkg-config --print-errors --exists gemma4 gemma4-c
# shellcheck disable=SC2046  # pkg-config prints words
${CXX:-c++} -std=c++20 -O1 "$here/main.cpp" $(pkg-config --static --cflags --libs gemma4) -o "$work/by_pkg_config"
"$work/by_pkg_config" "$model"

say "pkg-config, from C with the shared library, where no other package is known"
# shellcheck disable=SC2046
${CC:-cc} -std=c11 -O1 "$here/c/main.c" $(PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=$libraries/pkgconfig pkg-config --cflags --libs gemma4-c) \
  -o "$work/by_pkg_config_c"
LD_LIBRARY_PATH=$libraries "$work/by_pkg_config_c" "$model"
[ "$(readelf -d "$work/by_pkg_config_c" | grep -cE 'NEEDED.*lib(gemma4_c|c)\.so')" = "$(readelf -d "$work/by_pkg_config_c" | grep -c NEEDED)" ] ||
  die "more is linked than the library"

say "the package managers' own test program"
# shellcheck disable=SC2046
${CC:-cc} -std=c11 "$root/packaging/conan/all/test_package/test_package.c" $(pkg-config --cflags --libs gemma4-c) -o "$work/test_package"
LD_LIBRARY_PATH=$libraries "$work/test_package"

say "cpack: an archive and a Debian package"
(cd "$build" && cpack -G TGZ -B "$work/packages" >/dev/null)
tar -tzf "$work"/packages/*.tar.gz | grep 'include/gemma4.h$'
if command -v dpkg-shlibdeps >/dev/null; then
  (cd "$build" && cpack -G DEB -B "$work/packages" >/dev/null)
  dpkg-deb --info "$work"/packages/*.deb | grep -E 'Version|Depends'
  dpkg-deb -x "$work"/packages/*.deb "$work/deb"
  found=$(find "$work/deb" -name 'libgemma4_c.so.0.*' -type f)
  readelf -d "$found" | grep 'SONAME.*libgemma4_c.so.0'
  cmake -S "$here" -B "$work/debian" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$work/deb/usr" >/dev/null
  cmake --build "$work/debian"
  "$work/debian/consumer" "$model"
  cmake -S "$here/c" -B "$work/debian_c" -G Ninja -DCMAKE_PREFIX_PATH="$work/deb/usr" >/dev/null
  cmake --build "$work/debian_c"
  "$work/debian_c/consumer" "$model"
elif command -v apt-get >/dev/null; then
  die "expected dpkg-shlibdeps, to make a Debian package; found none (./dev consumer installs it)"
else
  echo "no Debian package: this is no such system"
fi

say "pkg-config, from C where only the static library is"
rm "$libraries"/libgemma4_c.so*
# shellcheck disable=SC2046
${CC:-cc} -std=c11 -O1 "$here/c/main.c" $(PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=$libraries/pkgconfig pkg-config --static --cflags --libs gemma4-c) \
  -o "$work/by_pkg_config_static"
"$work/by_pkg_config_static" "$model"

# In one build folder, so that the library is compiled once.
inside() {
  cmake -S "$here" -B "$work/inside" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGEMMA4_C_STATIC_RUNTIME=ON "$@" >/dev/null
  rm -f "$work/inside/consumer"
  cmake --build "$work/inside"
  "$work/inside/consumer" "$model"
}
say "add_subdirectory, from C"
inside -DCONSUMER_LANGUAGE=C -DGEMMA4_SOURCE="$root"
say "add_subdirectory, from C++"
inside -DCONSUMER_LANGUAGE=CXX
say "FetchContent, from C++"
inside -DGEMMA4_SOURCE= -DFETCHCONTENT_SOURCE_DIR_GEMMA4="$root"

say "the C library with the C++ runtime inside, as built there"
whole=$(find "$work/inside/gemma4" -name 'libgemma4_c.so.*' -type f)
strip -o "$work/libgemma4_c.so" "$whole"
[ "$(stat -c %s "$work/libgemma4_c.so")" -le 3000000 ] || die "expected at most 3,000,000 bytes, found $(stat -c %s "$work/libgemma4_c.so")"
nm -D --defined-only "$work/libgemma4_c.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort |
  diff "$root/tests/capi/exports.txt" - || die "it exports other functions"
! readelf -d "$work/libgemma4_c.so" | grep -E 'NEEDED.*(stdc|gcc_s)' || die "it still needs the C++ runtime"
for mode in unload twice; do
  GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1 "$build/tests/capi/capi_host_test" $mode "$work/libgemma4_c.so"
done

say "the recipes of package managers"
"$root/packaging/check.sh"

say "all consumers work"
