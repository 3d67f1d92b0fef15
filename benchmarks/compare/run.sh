#!/usr/bin/env bash
# This library beside llama.cpp on the same file; options as of ../run.sh.
exec "$(dirname "${BASH_SOURCE[0]}")/../run.sh" --only compare "$@"
