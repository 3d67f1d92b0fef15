#!/usr/bin/env bash
# The header against the first one and the one last accepted, which programs in use were compiled with: functions may be added, and fields
# at the ends of structs.
# usage: abidiff_test.sh SOURCE_FOLDER [--accept] (needs abidiff, and GCC for -aux-info); --accept, at a release, first compares and then
# takes the present header as the one to compare with from now on
set -euo pipefail
source_folder=$(cd "$1" && pwd) mode=${2:-}
here=$source_folder/tests/capi
header=$source_folder/capi/gemma4.h
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# library_of HEADER NAME: a library with the header's functions. abidiff reads what the compiler notes for debuggers, so they need not do anything.
library_of() {
  printf '#include "%s"\n' "$1" >"$work/$2.c"
  gcc -std=c11 -fsyntax-only -aux-info "$work/prototypes" "$work/$2.c"
  sed -E -n "s#^/\* $1:.*\*/ extern (.*);.*\$#\1 { __builtin_unreachable(); }#p" "$work/prototypes" >>"$work/$2.c"
  gcc -std=c2x -w -g -shared -fPIC -o "$work/$2.so" "$work/$2.c"
  [ "$(nm -D --defined-only "$work/$2.so" | grep -c ' T gemma4_')" = "$(grep -c '^GEMMA4_API' "$1")" ] ||
    { echo "abidiff_test: $1: some of its functions were not understood" >&2; exit 1; }
}

cat >"$work/allowed" <<'END'
[suppress_type]
  type_kind = struct
  has_data_member_inserted_at = end
END
library_of "$header" present
for earlier in first accepted; do
  library_of "$here/${earlier}_gemma4.h" $earlier
  abidiff --no-added-syms --suppressions "$work/allowed" "$work/$earlier.so" "$work/present.so"
done
if [ "$mode" = --accept ]; then cp "$header" "$here/accepted_gemma4.h"; fi
