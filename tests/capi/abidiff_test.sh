#!/usr/bin/env bash
# The header against the first one, which programs in use were compiled with: functions may be added, and fields at the ends of structs.
# usage: abidiff_test.sh SOURCE_FOLDER (needs abidiff, and GCC for -aux-info)
set -euo pipefail
source_folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# library_of HEADER NAME: a library with the header's functions. abidiff reads what the compiler notes for debuggers, so they need not do anything.
library_of() {
  printf '#include "%s"\n' "$1" >"$work/$2.c"
  gcc -std=c11 -fsyntax-only -aux-info "$work/prototypes" "$work/$2.c"
  sed -E -n "s#^/\* $1:.*\*/ extern (.*);.*\$#\1 { __builtin_unreachable(); }#p" "$work/prototypes" >>"$work/$2.c"
  gcc -std=c2x -w -g -shared -fPIC -o "$work/$2.so" "$work/$2.c"
}
library_of "$source_folder/tests/capi/first_gemma4.h" first
library_of "$source_folder/capi/gemma4.h" present

cat >"$work/allowed" <<'EOF'
[suppress_type]
  type_kind = struct
  has_data_member_inserted_at = end
EOF
nm -D --defined-only "$work/first.so" | grep -q gemma4_model_load || { echo "abidiff_test: the first header has no functions" >&2; exit 1; }
abidiff --no-added-syms --suppressions "$work/allowed" "$work/first.so" "$work/present.so"
