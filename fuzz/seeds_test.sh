#!/usr/bin/env bash
# seeds_test.sh TARGET FOLDER: every schedule of the folder is an input of the target, comes back as text with the same
# operations, and runs ten times with the same verdicts and feedback.
set -euo pipefail

target=$1 folder=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/inputs" "$work/texts"
files=("$folder"/*.sched)
[[ -f ${files[0]} ]] || { echo "seeds_test: $folder: no schedule" >&2; exit 1; }

# what FILE: its protocol and operations, without arguments.
what() {
  sed -n -E 's/^(protocol|op) +([^ ]+).*/\1 \2/p' "$1"
}

"$target" --inputs "$work/inputs" "${files[@]}"
"$target" --texts "$work/texts" "$work"/inputs/*
for file in "${files[@]}"; do
  diff <(what "$file") <(what "$work/texts/${file##*/}")
done
"$target" --repeat 10 "$work"/inputs/*
