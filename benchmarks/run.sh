#!/usr/bin/env bash
# Builds the benchmarks and measures: the kernels, this library beside llama.cpp, and this library alone in more detail.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/bench
llama=$root/build/llama.cpp
results=$build/results

usage() {
  cat <<'EOT'
benchmarks/run.sh [OPTIONS] [OPTIONS of gemma4-compare]

  --only WORD      kernels, compare (beside llama.cpp) or alone; default: all three
  --layers N       a synthetic 12B of only N layers, a multiple of 6: quick, but the head weighs more than in the whole
  --model FILE     another checkpoint; default: a synthetic 12B, written to build/models when missing
  --without-llama  do not fetch llama.cpp; this library alone
  --threads N, --isa NAME   for all measurements
  --results DIR    where the JSON files go; default: build/bench/results
  --help           this text; gemma4-compare --help tells its options
EOT
}
say() { printf '%s\n' "$*" >&2; }
die() { printf 'run.sh: %s\n' "$*" >&2; exit 1; }

only='' layers='' model='' with_llama=yes
rest=() both=()  # options for gemma4-compare; for it and for gemma4-bench
while [ $# -gt 0 ]; do
  case $1 in
    --only | --layers | --model | --results | --threads | --isa) [ $# -gt 1 ] || die "$1 needs a value" ;;&
    --only) only=$2 && shift ;;
    --layers) layers=$2 && shift ;;
    --model) model=$2 && shift ;;
    --results) results=$2 && shift ;;
    --threads | --isa) both+=("$1" "$2") && shift ;;
    --without-llama) with_llama='' ;;
    --help) usage && exit 0 ;;
    *) rest+=("$1") ;;
  esac
  shift
done
case $only in '' | kernels | compare | alone) ;; *) die "--only: expected kernels, compare or alone" ;; esac
wants() { [ -z "$only" ] || [ "$only" = "$1" ]; }

# Megabytes.
free_memory() { awk '/^MemAvailable:/ { print int($2 / 1000) }' /proc/meminfo 2>/dev/null || echo 0; }
free_disk() { df -Pk "$1" | awk 'NR == 2 { print int($4 / 1000) }'; }

fetch() {
  [ -n "$with_llama" ] && wants compare || return 0
  "$root/benchmarks/compare/fetch_llama.sh" "$llama" && return 0
  say "llama.cpp could not be fetched (no network?): measuring without it"
  with_llama=''
}

compile() {
  local option=''
  [ ! -e "$llama/complete" ] || option=$llama
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGEMMA4_BUILD_BENCHMARKS=ON \
    -DGEMMA4_BUILD_TESTS=OFF -DGEMMA4_BUILD_EXAMPLES=OFF -DGEMMA4_LLAMA_CPP="$option" >&2
  cmake --build "$build" >&2
}

# The whole 12B where it fits: 7 GB on disk; in memory 7 GB here and as much in llama.cpp.
choose_layers() {
  [ -z "$layers" ] || return 0
  local memory=9000
  [ -z "$with_llama" ] || ! wants compare || memory=16000
  if [ "$(free_memory)" -lt "$memory" ]; then
    say "Less than $((memory / 1000)) GB of memory are free: measuring 6 of 48 layers. --layers 48 insists."
    layers=6
  elif [ ! -e "$root/build/models/synthetic-12b-48.gguf" ] && [ "$(free_disk "$root/build")" -lt 8000 ]; then
    say "Less than 8 GB of disk are free: measuring 6 of 48 layers."
    layers=6
  else
    layers=48
  fi
}

find_model() {
  [ -z "$model" ] || return 0
  choose_layers
  model=$root/build/models/synthetic-12b-$layers.gguf
  [ ! -e "$model" ] || return 0
  mkdir -p "${model%/*}"
  say "Writing $model (some 10 to 60 seconds)"
  "$build/benchmarks/synthetic/gemma4-synthetic" --layers "$layers" "$model.part" >&2
  mv "$model.part" "$model"
}

compare() { "$build/benchmarks/compare/gemma4-compare" "$@" "$model"; }

fetch
compile
mkdir -p "$results"
[ "$only" = kernels ] || find_model
say "All of it takes about 20 minutes with the whole 12B on two cores, about 8 with 6 layers. Keep the machine quiet."
if wants kernels; then
  say "== Kernels"
  "$build/benchmarks/kernels/gemma4-bench" "${both[@]}" --benchmark_out="$results/kernels.json" --benchmark_out_format=json
fi
if [ -n "$with_llama" ] && wants compare; then
  say "== This library (engine 1) and llama.cpp (engine 2)"
  compare --json "$results/compare.json" "${both[@]}" "${rest[@]}"
fi
if wants alone || [ -z "$with_llama" ]; then
  say "== This library alone"
  compare --alone --batch 2,3,4,5,6,7,8,16 --depth 64,1024,16384,65536 --rounds 5 \
    --json "$results/alone.json" "${both[@]}" "${rest[@]}"
fi
say "Written: $results"
