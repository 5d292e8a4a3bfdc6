#!/usr/bin/env bash
# reproduce_test.sh ROOT FUZZER: scripts/reproduce shows in another build what an input of hazard_fuzzer shows under the
# engine, with status 1; the same by a schedule that lies beside it; and 0 of an input that shows nothing.
set -euo pipefail

cd "$1"
fuzzer=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SIGSWEEP_HUNT=arg-clobbered SIGSWEEP_PROTOCOL=signalok_raw # which starts faster than all

# expect STATUS TEXT...: of what reproduce makes of $work/input.
expect() {
  local wanted=$1 status=0 text
  shift
  scripts/reproduce hazard_fuzzer "$work/input" >"$work/output" 2>"$work/error" || status=$?
  for text in "$@"; do
    if ((status != wanted)) || ! grep -E -- "$text" "$work/output" >/dev/null; then
      echo "reproduce_test: status $status, expected $wanted and '$text':" >&2
      cat "$work/output" "$work/error" >&2
      exit 1
    fi
  done
}

# make_input SCHEDULE
make_input() {
  cp "$1" "$work/input.sched"
  "$fuzzer" --inputs "$work" "$work/input.sched"
  rm "$work/input.sched"
}

make_input corpus/hazards/argument-s0.sched
expect 1 '\.sched: arg-clobbered s0' '^expect +arg-clobbered s0$'
cp corpus/hazards/argument-s0.sched "$work/input.sched" # as a campaign leaves it
expect 1 'input\.sched: arg-clobbered s0'
rm "$work/input.sched"
make_input corpus/regressions/raw-not-live.sched
expect 0 '\.sched: ok'
