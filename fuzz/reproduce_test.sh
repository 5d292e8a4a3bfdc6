#!/usr/bin/env bash
# reproduce_test.sh ROOT FUZZER: scripts/reproduce shows in another build what an input of hazard_fuzzer shows under the
# engine, with status 1; the same by a schedule that lies beside it; and 0 of an input that shows nothing.
set -euo pipefail

cd "$1"
fuzzer=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SIGSWEEP_HUNT=arg-clobbered SIGSWEEP_PROTOCOL=signalok_raw # which starts faster than all

# expect STATUS TEXT: of what reproduce makes of $work/input.
expect() {
  local status=0
  scripts/reproduce hazard_fuzzer "$work/input" >"$work/output" 2>"$work/error" || status=$?
  if ((status != $1)) || ! grep -E -- "$2" "$work/output" >/dev/null; then
    echo "reproduce_test: status $status, expected $1 and '$2':" >&2
    cat "$work/output" "$work/error" >&2
    exit 1
  fi
}

# make_input SCHEDULE
make_input() {
  cp "$1" "$work/input.sched"
  "$fuzzer" --inputs "$work" "$work/input.sched"
  rm "$work/input.sched"
}

make_input corpus/hazards/argument-s0.sched
expect 1 '\.sched: arg-clobbered s0'
grep -q '^expect  *arg-clobbered s0$' "$work/output" || expect 1 'what the target saw'
cp corpus/hazards/argument-s0.sched "$work/input.sched" # as a campaign leaves it
expect 1 'input\.sched: arg-clobbered s0'
rm "$work/input.sched"
make_input corpus/regressions/raw-not-live.sched
expect 0 '\.sched: ok'
