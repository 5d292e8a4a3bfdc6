#!/usr/bin/env bash
# seeds_test.sh TARGET FOLDER...: every schedule of the folders is an input of the target, comes back as text with the
# same operations, and runs ten times with the same verdicts and feedback.
set -euo pipefail

target=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "seeds_test: $*" >&2
  exit 1
}

# what FILE: its protocol and operations, without arguments.
what() {
  sed -n -E 's/^(protocol|op) +([^ ]+).*/\1 \2/p' "$1"
}

mkdir "$work/inputs" "$work/texts"
files=()
for folder; do
  here=("$folder"/*.sched)
  [[ -f ${here[0]} ]] || fail "$folder: no schedule"
  files+=("${here[@]}")
done
"$target" --inputs "$work/inputs" "${files[@]}"
inputs=("$work"/inputs/*)
((${#inputs[@]} == ${#files[@]})) || fail "two schedules of the same name"
"$target" --texts "$work/texts" "${inputs[@]}"
for file in "${files[@]}"; do
  diff <(what "$file") <(what "$work/texts/${file##*/}")
done
"$target" --repeat 10 "${inputs[@]}"
