#!/usr/bin/env bash
# hunt_test.sh FUZZER VERDICT SOURCE: from an empty corpus the fuzzer must find VERDICT by SOURCE
# within 100,000 inputs, keep the input, and stop at it again when it is given that input alone.
set -euo pipefail

fuzzer=$1 verdict=$2 source=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export SIGSWEEP_HUNT=$verdict SIGSWEEP_INJECT=$source
mkdir "$folder/corpus"

fail() {
  echo "hunt_test: $*" >&2
  tail -n 40 "$folder"/*.log >&2
  exit 1
}

# hunt NAME ARGUMENTS...: runs the fuzzer, which must stop with the schedule of a finding.
hunt() {
  local log=$folder/$1.log
  shift
  if timeout 500 "$fuzzer" "$@" 2>"$log"; then fail "ended without $verdict"; fi
  sed -n '/^---- schedule ----$/,/^---- end of schedule ----$/p' "$log" >"$folder/schedule"
  grep -Eq "^expect +$verdict( |\$)" "$folder/schedule" || fail "no schedule that expects $verdict"
  grep -q "^origin .*: the hunted verdict: $verdict" "$folder/schedule" || fail "the schedule does not say why it was kept"
  grep -q "by=$source" "$folder/schedule" || fail "the signal did not come by $source"
}

hunt search -runs=100000 -seed=1 -artifact_prefix="$folder/" "$folder/corpus"
inputs=("$folder"/crash-*)
[[ -f ${inputs[0]} ]] || fail "the input was not kept"
hunt again "${inputs[0]}"
cat "$folder/schedule"
