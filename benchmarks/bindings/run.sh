#!/usr/bin/env bash
# What Rust, Go and C# add to the time of the same answers in C++, in turns: the median over the rounds of time / time of C++.
# usage: run.sh BUILD_FOLDER MODEL [ANSWERS] [ROUNDS]; BUILD_FOLDER has gemma4-stream and the shared C library
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "$1" && pwd) model=$(realpath "$2") answers=${3:-100} rounds=${4:-9}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export LD_LIBRARY_PATH=$build/capi GEMMA4_LIB_DIR=$build/capi PKG_CONFIG_PATH=$work
printf 'Name: gemma4-c\nDescription: as built\nVersion: 0\nLibs: -L%s -lgemma4_c\nCflags: -I%s\n' \
  "$build/capi" "$root/capi" >"$work/gemma4-c.pc"

(cd "$root/bindings/rust" && CARGO_TARGET_DIR=$work/rust cargo build --offline --quiet --release --example stream)
(cd "$root/bindings/go" && GOCACHE=$work/go GOPROXY=off GOFLAGS=-mod=mod go build -o "$work/stream_go" ./examples/stream)
mcs -unsafe -target:library -out:"$work/Gemma4.dll" "$root"/bindings/csharp/src/*.cs
mcs -r:"$work/Gemma4.dll" -out:"$work/Stream.exe" "$root/bindings/csharp/examples/Stream.cs"

run() { # LANGUAGE COMMAND...
  local language=$1
  shift
  printf '%s %s\n' "$language" "$("$@" "$model" "$answers")" >>"$work/times"
}
for _ in $(seq "$rounds"); do
  run C++ "$(find "$build" -name gemma4-stream -type f)"
  run Rust "$work/rust/release/examples/stream"
  run Go "$work/stream_go"
  run C# mono "$work/Stream.exe"
done
awk '
  { seconds[$1, ++count[$1]] = $4; if (pieces == "") pieces = $2 " pieces, " $3 " bytes"; if ($2 " pieces, " $3 " bytes" != pieces) different = 1 }
  function median(language,   n, i, j, values, t) {
    n = count[language]
    for (i = 1; i <= n; ++i) values[i] = seconds[language, i] / seconds["C++", i]
    for (i = 2; i <= n; ++i) for (j = i; j > 1 && values[j] < values[j - 1]; --j) { t = values[j]; values[j] = values[j - 1]; values[j - 1] = t }
    return sprintf("%.3f (%.3f ... %.3f)", values[int((n + 1) / 2)], values[1], values[n])
  }
  END {
    if (different) { print "the answers differ" > "/dev/stderr"; exit 1 }
    print pieces
    for (language in count) if (language != "C++") print language, median(language)
  }' "$work/times"
