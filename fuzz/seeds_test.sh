#!/usr/bin/env bash
# seeds_test.sh TARGET FOLDER: every schedule of the folder is an input of the target, runs ten times with the same
# verdicts and feedback, and comes back as text.
set -euo pipefail

target=$1 folder=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/inputs" "$work/texts"
files=("$folder"/*.sched)
[[ -f ${files[0]} ]] || { echo "seeds_test: $folder: no schedule" >&2; exit 1; }

"$target" --inputs "$work/inputs" "${files[@]}"
"$target" --repeat 10 "$work"/inputs/*
"$target" --texts "$work/texts" "$work"/inputs/*
texts=("$work"/texts/*.sched)
((${#texts[@]} == ${#files[@]})) || { echo "seeds_test: ${#files[@]} seeds, ${#texts[@]} texts" >&2; exit 1; }
"$target" --inputs "$work" "${texts[@]}"
for input in "$work"/inputs/*; do
  "$target" --print "$input" >"$work/one"
  "$target" --print "$work/${input##*/}" >"$work/other"
  cmp "$work/one" "$work/other"
done
