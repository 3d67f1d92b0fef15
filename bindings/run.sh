#!/usr/bin/env bash
# Builds and tests the bindings against a built tree; a language without its compiler is left out, saying so, or is a
# failure if GEMMA4_ALL_BINDINGS is set.
# usage: run.sh BUILD_FOLDER
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=()

say() { printf '\n-- %s\n' "$*"; }

# What pkg-config is to find, without installing the whole.
export LD_LIBRARY_PATH=$build/capi GEMMA4_LIB_DIR=$build/capi PKG_CONFIG_PATH=$work
printf 'Name: gemma4-c\nDescription: as built\nVersion: 0\nLibs: -L%s -lgemma4_c\nCflags: -I%s\n' \
  "$build/capi" "$root/capi" >"$work/gemma4-c.pc"

model=$root/models/tiny/gemma4-tiny-q4_0.gguf
assistant=$root/models/tiny/gemma4-tiny-assistant-q4_0.gguf
export GEMMA4_SCRIPTED_MODEL=$build/tests/scripted.gguf
[ -e "$GEMMA4_SCRIPTED_MODEL" ] || { echo "$GEMMA4_SCRIPTED_MODEL: build the target gemma4_scripted_model" >&2; exit 1; }
# talk COMMAND...: the chat example answers
talk() {
  local answer
  answer=$(printf 'What is 34 + 17?\n' | "$@" "$model" "$assistant" 2>/dev/null)
  printf '%s\n' "$answer"
  grep -q 51 <<<"$answer"
}

rust() {
  cd "$here/rust"
  export CARGO_TARGET_DIR=$build/bindings/rust
  cargo test --offline --quiet
  cargo build --offline --quiet --examples
  talk "$CARGO_TARGET_DIR/debug/examples/chat"
}

go_package() {
  cd "$here/go"
  export GOCACHE=$build/bindings/go GOPROXY=off GOFLAGS=-mod=mod
  go vet ./...
  go test -count=1 ./...
  go build -o "$work/chat_go" ./examples/chat
  talk "$work/chat_go"
}

csharp() {
  mcs -unsafe -warnaserror -target:library -out:"$work/Gemma4.dll" "$here"/csharp/src/*.cs
  mcs -r:"$work/Gemma4.dll" -out:"$work/Scenarios.exe" "$here/csharp/tests/Scenarios.cs"
  mcs -r:"$work/Gemma4.dll" -out:"$work/Chat.exe" "$here/csharp/examples/Chat.cs"
  mono "$work/Scenarios.exe" "$root" "$GEMMA4_SCRIPTED_MODEL"
  talk mono "$work/Chat.exe"
}

# binding NAME COMMAND TESTS
binding() {
  if ! command -v "$2" >/dev/null; then
    say "$1: left out, there is no $2 here"
    [ -z "${GEMMA4_ALL_BINDINGS:-}" ] || failed+=("$1")
    return
  fi
  say "$1"
  # in a process of its own, in which the first failure ends it
  if ! bash -euo pipefail -c "$(declare -f "$3" talk); $(declare -p here root build work model assistant); $3"; then
    failed+=("$1")
  fi
}

binding Rust cargo rust
binding Go go go_package
binding 'C#' mcs csharp
[ ${#failed[@]} -eq 0 ] || { say "failed: ${failed[*]}"; exit 1; }
say "all bindings that could be built work"
