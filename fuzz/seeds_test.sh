#!/usr/bin/env bash
# seeds_test.sh TARGET SEEDS [FOUND]: every schedule of the folder SEEDS is an input of the target, and at least half of
# those of FOUND, which campaigns have found by another build; each comes back as text with the same operations, and
# runs ten times with the same verdicts and feedback.
set -euo pipefail

target=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# what FILE: its protocol and operations, without arguments.
what() {
  sed -n -E 's/^(protocol|op) +([^ ]+).*/\1 \2/p' "$1"
}

# inputs FOLDER LEAST: of its files at least LEAST of a hundred are inputs.
inputs() {
  local files=("$1"/*.sched) made
  [[ -f ${files[0]} ]] || { echo "seeds_test: $1: no schedule" >&2 && exit 1; }
  rm -rf "$work"/{inputs,texts}
  mkdir "$work"/{inputs,texts}
  "$target" --inputs "$work/inputs" "${files[@]}"
  made=("$work"/inputs/*)
  echo "$1: ${#made[@]} of ${#files[@]} schedules are inputs"
  ((${#made[@]} * 100 >= ${#files[@]} * $2)) || { echo "seeds_test: at least $2 % are expected" >&2 && exit 1; }
  "$target" --texts "$work/texts" "${made[@]}"
  for made in "${made[@]##*/}"; do diff <(what "$1/$made.sched") <(what "$work/texts/$made.sched"); done
  "$target" --repeat 10 "$work"/inputs/*
}

inputs "$2" 100
[[ -z ${3-} ]] || inputs "$3" 50
