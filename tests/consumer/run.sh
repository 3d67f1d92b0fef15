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

say "pkg-config, from C with the shared library"
# shellcheck disable=SC2046
${CC:-cc} -std=c11 -O1 "$here/c/main.c" $(pkg-config --cflags --libs gemma4-c) -o "$work/by_pkg_config_c"
LD_LIBRARY_PATH=$libraries "$work/by_pkg_config_c" "$model"

say "cpack: a Debian package and an archive"
(cd "$build" && cpack -G TGZ -B "$work/packages" >/dev/null)
tar -tzf "$work"/packages/*.tar.gz | grep 'include/gemma4.h$'
if command -v dpkg-shlibdeps >/dev/null; then
  (cd "$build" && cpack -G DEB -B "$work/packages" >/dev/null)
  dpkg-deb --info "$work"/packages/*.deb | grep -E 'Version|Depends'
  dpkg-deb --contents "$work"/packages/*.deb | grep 'libgemma4_c.so.0'
fi

say "pkg-config, from C where only the static library is"
rm "$libraries"/libgemma4_c.so*
# shellcheck disable=SC2046
${CC:-cc} -std=c11 -O1 "$here/c/main.c" $(pkg-config --static --cflags --libs gemma4-c) -o "$work/by_pkg_config_static"
"$work/by_pkg_config_static" "$model"

say "add_subdirectory, from C++"
cmake -S "$here" -B "$work/inside" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGEMMA4_SOURCE="$root" >/dev/null
cmake --build "$work/inside"
"$work/inside/consumer" "$model"

say "the recipes of package managers"
"$root/packaging/check.sh"

say "all consumers work"
