#!/usr/bin/env bash
# seeds_test.sh TARGET SEEDS [FOUND]: every schedule of the folder SEEDS is an input of the target, and at least half of
# those of FOUND, which campaigns have found by another build; each comes back as text with the same operations, and
# runs ten times with the same verdicts and feedback.
set -euo pipefail

target=$1 seeds=$2 found=${3-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/inputs" "$work/texts"

fail() {
  echo "seeds_test: $*" >&2
  exit 1
}

# what FILE: its protocol and operations, without arguments.
what() {
  sed -n -E 's/^(protocol|op) +([^ ]+).*/\1 \2/p' "$1"
}

# comes_back FOLDER LEAST: of its schedules at least LEAST of a hundred are inputs, and come back.
comes_back() {
  local file name files=("$1"/*.sched) back=0
  for file in "${files[@]}"; do
    name=$(basename "$file" .sched)
    [[ -f $work/inputs/$name ]] || continue
    [[ -s $work/inputs/$name ]] || fail "$file: an empty input, which engines count as none"
    diff <(what "$file") <(what "$work/texts/$name.sched") || fail "$file: comes back as another"
    back=$((back + 1))
  done
  echo "$1: $back of ${#files[@]} schedules are inputs"
  ((back * 100 >= ${#files[@]} * $2)) || fail "at least $2 % are expected"
}

files=()
for folder in "$seeds" ${found:+"$found"}; do
  here=("$folder"/*.sched)
  [[ -f ${here[0]} ]] || fail "$folder: no schedule"
  files+=("${here[@]}")
done
"$target" --inputs "$work/inputs" "${files[@]}"
"$target" --texts "$work/texts" "$work"/inputs/*
comes_back "$seeds" 100
[[ -z $found ]] || comes_back "$found" 50
"$target" --repeat 10 "$work"/inputs/*
