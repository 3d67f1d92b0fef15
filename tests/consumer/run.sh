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

say "find_package"
cmake -S "$here" -B "$work/found" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PREFIX_PATH="$work/moved" >/dev/null
cmake --build "$work/found"
"$work/found/consumer" "$model"

say "pkg-config"
PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name gemma4.pc)")
export PKG_CONFIG_PATH
pkg-config --print-errors --exists gemma4
# shellcheck disable=SC2046  # pkg-config prints words
${CXX:-c++} -std=c++20 -O1 "$here/main.cpp" $(pkg-config --static --cflags --libs gemma4) -o "$work/by_pkg_config"
"$work/by_pkg_config" "$model"

say "add_subdirectory"
cmake -S "$here" -B "$work/inside" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGEMMA4_SOURCE="$root" >/dev/null
cmake --build "$work/inside"
"$work/inside/consumer" "$model"

say "all consumers work"
