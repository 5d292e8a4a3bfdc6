#!/usr/bin/env bash
# planted_test.sh FUZZER FOLDER: a fuzzer over a subject with a planted fault must find it within 100,000
# inputs, from the schedules of the folder, and keep an input by which it shows again.
set -euo pipefail

fuzzer=$1 seeds=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/corpus"

fail() {
  echo "planted_test: $*" >&2
  tail -n 40 "$work"/*.log >&2
  exit 1
}

# finds NAME ARGUMENTS...: runs the fuzzer, which must stop with the schedule of a finding.
finds() {
  local log=$work/$1.log
  shift
  if timeout 500 "$fuzzer" "$@" 2>"$log"; then fail "nothing was found"; fi
  grep -q '^---- schedule ----$' "$log" || fail "it ended without a finding"
}

"$fuzzer" --inputs "$work/corpus" "$seeds"/*.sched
finds search -runs=100000 -seed=1 -artifact_prefix="$work/" "$work/corpus"
inputs=("$work"/crash-*)
[[ -f ${inputs[0]} ]] || fail "the input was not kept"
finds again "${inputs[0]}"
grep -E '^[a-z]+_fuzzer: .*\(exec [0-9]+\)$' "$work"/*.log
sed -n '/^---- schedule ----$/,/^---- end of schedule ----$/p' "$work/again.log"
