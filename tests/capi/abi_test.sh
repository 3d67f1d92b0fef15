#!/usr/bin/env bash
# The binary interface against what is committed, and the header by itself.
# usage: abi_test.sh SOURCE_FOLDER LIBRARY [--write]; --write renews the committed tables, for additions only
set -euo pipefail
source_folder=$1 library=$2 mode=${3:-}
here=$source_folder/tests/capi
header=$source_folder/capi/gemma4.h
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
wrong() { printf 'abi_test: %s\n' "$*" >&2; failed=1; }

# compare NAME: the table in $work against the committed one
compare() {
  if [ "$mode" = --write ]; then
    cp "$work/$1" "$here/$1"
  elif ! diff -u "$here/$1" "$work/$1"; then
    wrong "$1 differs from what is committed; abi_test.sh --write renews it"
  fi
}

# What the library exports: the header's functions, all of them and nothing else.
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exports.txt"
sed -E -n 's/^.*\<(gemma4_[a-z0-9_]+)\(.*/\1/p' <(grep -A1 '^GEMMA4_API' "$header") | sort -u >"$work/declared"
diff "$work/declared" "$work/exports.txt" >&2 || wrong "the header and the library differ in the functions above"
compare exports.txt

# Every function that takes a handle is tried with one of another kind.
handles=$(sed -E -n 's/^typedef struct (gemma4_[a-z]+) gemma4_[a-z]+;.*/\1/p' "$header" | paste -sd'|')
awk '/^GEMMA4_API/ { text = "" } { text = text " " $0 } /;/ { if (text ~ /GEMMA4_API/) print text; text = "" }' "$header" |
  grep -E "\b($handles)\* ?(const\*)? ?[a-z]" | grep -oE 'gemma4_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$work/handled"
# And every struct with a struct_size that cannot be.
grep -A1 '^typedef struct .*{' "$header" | grep -B1 'uint64_t struct_size;$' | sed -n 's/^typedef struct \([a-z0-9_]*\) {/\1/p' >"$work/sized"
[ "$(wc -l <"$work/sized")" -ge 18 ] || wrong "expected at least 18 structs with a struct_size, found $(wc -l <"$work/sized")"
while read -r name; do  # the library sets that of a request; arguments_test has the errors
  grep -qE "^(gemma4_draft_request|gemma4_error)$" <<<"$name" || grep -q "SIZED($name," "$here/garbage_test.c" || wrong "garbage_test.c does not try $name"
done <"$work/sized"
[ "$(wc -l <"$work/handled")" -ge 60 ] || wrong "expected at least 60 functions that take a handle, found $(wc -l <"$work/handled")"
while read -r name; do
  grep -q "\<$name(" "$here/handles_test.c" || wrong "handles_test.c does not try $name"
done <"$work/handled"

# Every function is described, and who returns a status says which errors there are.
grep -q "^/\* Since 0.1 all functions are experimental" "$header" || wrong "the header does not say since when its functions are there"
awk '
  /^\/\*\*/ { comment = ""; inside = 1 }
  inside { comment = comment $0 "\n"; if (/\*\//) inside = 0; end = NR; next }
  /^GEMMA4_API/ {
    match($0, /gemma4_[a-z0-9_]+\(/); name = substr($0, RSTART, RLENGTH - 1); ++functions
    if (end != NR - 1) print name ": no comment before it"
    else if (/^GEMMA4_API gemma4_status/ && comment !~ /Errors:/) print name ": its comment does not say \"Errors:\""
  }
  END { if (functions < 80) print "expected at least 80 functions, found " functions }
' "$header" >"$work/undescribed"
[ -s "$work/undescribed" ] && wrong "$(cat "$work/undescribed")"

# Where the fields lie and what the constants are, as a compiler sees it.
awk '
  /^typedef struct .*{/ { name = $3; fields = ""; inside = 1; depth = 0; next }
  inside && /^}/ { printf "SIZE(%s);\n%s", name, fields; inside = 0; next }
  inside {
    sub(/\/\*.*/, "")
    if (comment) { if (/\*\//) comment = 0; next }
    if ($0 ~ /^ *\* /) next
    line = line " " $0
    if (line !~ /;/) next
    text = line; line = ""
    if (match(text, /\(\*[a-z_]+\)/)) { fields = fields sprintf("FIELD(%s, %s);\n", name, substr(text, RSTART + 2, RLENGTH - 3)); next }
    sub(/;.*/, "", text)
    count = split(text, part, ",")
    for (i = 1; i <= count; ++i) {
      field = part[i]
      sub(/\[.*/, "", field)
      sub(/^.*[ *]/, "", field)
      if (field != "") fields = fields sprintf("FIELD(%s, %s);\n", name, field)
    }
  }
  /^enum \{/ { constants = 1; next }
  constants && /^\};/ { constants = 0; next }
  constants && match($0, /^ *GEMMA4_[A-Z0-9_]+ =/) { printf "CONSTANT(%s);\n", $1 }
' "$header" >"$work/layout.inc"
cp "$here/layout.c" "$work"
${CC:-cc} -std=c11 -Wall -Werror -I"$source_folder/capi" -o "$work/layout" "$work/layout.c"
"$work/layout" >"$work/layout.txt"
compare layout.txt
[ "$(grep -c '^gemma4_' "$work/layout.txt")" = "$(grep -c '^typedef struct .*{' "$header")" ] || wrong "layout.txt lacks a struct"

# The header alone, in every language it promises. Not a system header here, so warnings count.
printf '#include "gemma4.h"\n#include "gemma4.h"\nint main(void) { return gemma4_abi_version() == GEMMA4_ABI_VERSION; }\n' >"$work/use.c"
cp "$work/use.c" "$work/use.cpp"
compilers=0
for pair in gcc:g++ clang:clang++; do
  command -v "${pair%:*}" >/dev/null && command -v "${pair#*:}" >/dev/null || continue
  compilers=$((compilers + 1))
  for standard in c99 c11; do
    "${pair%:*}" -std=$standard -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I"$source_folder/capi" "$work/use.c" ||
      wrong "$standard with ${pair%:*}"
  done
  for standard in c++11 c++20; do
    "${pair#*:}" -std=$standard -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I"$source_folder/capi" "$work/use.cpp" ||
      wrong "$standard with ${pair#*:}"
  done
done
[ $compilers -gt 0 ] || wrong "no compiler was found"

# Small, and without anything that could end or talk over the host's process. (std::terminate is there: std::thread's destructor names it.)
strip -o "$work/stripped" "$library"
size=$(stat -c %s "$work/stripped")
[ "$size" -le $((3 << 20)) ] || wrong "expected at most 3 MiB stripped, found $size bytes"
nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $2); print $2 }' |
  grep -xE 'abort|_?_?exit|_Exit|quick_exit|__assert_fail|__libc_fatal|raise|kill|signal|sigaction|puts|putchar|printf|__printf_chk|fprintf|__fprintf_chk|stdout|stderr|perror|_ZSt4cout|_ZSt4cerr|setlocale|setenv' >&2 &&
  wrong "the library imports the functions above"

[ $failed = 0 ] && echo "exports, layout, header, $size bytes stripped: as they should be"
exit $failed
