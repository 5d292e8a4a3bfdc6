#!/usr/bin/env bash
# ways_test.sh TARGET OBJCOPY ENGINE: a target that starts and runs one small input records no way of an operation or a
# handler: the build has kept all of them in it. A copy that keeps none records them, and comes to the same.
set -euo pipefail

target=$1 objcopy=$2 engine=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bare=$work/$(basename "$target")
argument=-runs=0
if [[ $engine == afl ]]; then
  argument=$work/input # AFL++'s driver runs no empty one
  printf '\0' >"$argument"
fi
"$objcopy" --remove-section .sigsweep.ways "$target" "$bare"

fail() {
  echo "ways_test: $*" >&2
  cat "$work/log" >&2
  exit 1
}

# recorded PROGRAM: how many ways it records until it has run an input (stress/base/fuzz_counters.h).
recorded() {
  local execs ways
  rm -rf "$work/stats"
  mkdir "$work/stats"
  SIGSWEEP_STATS=$work/stats "$1" "$argument" >"$work/log" 2>&1 </dev/null || fail "$1 $argument: status $?"
  execs=$(od -A n -t u8 -N 8 "$work"/stats/*)
  ways=$(od -A n -t u8 -j 4160 -N 8 "$work"/stats/*)
  ((execs > 0)) || fail "$1 $argument: no input was run"
  echo $((ways))
}

kept=$(recorded "$target")
anew=$(recorded "$bare")
((kept == 0)) || fail "$kept ways are recorded at the start"
((anew > 0)) || fail "a copy that keeps none records none"
echo "$target: no way recorded at the start; $anew by a copy that keeps none"

"$objcopy" -O binary --only-section .sigsweep.ways --set-section-flags .sigsweep.ways=alloc "$target" "$work/kept"
"$bare" --ways "$work/anew" >"$work/log" 2>&1 || fail "--ways: status $?"
cmp "$work/kept" "$work/anew" >&2 || fail "what the target keeps is not what it would record"
