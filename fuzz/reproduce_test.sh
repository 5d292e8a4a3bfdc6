#!/usr/bin/env bash
# reproduce_test.sh ROOT FUZZER: scripts/reproduce shows in another build what an input of hazard_fuzzer shows under the
# engine, with status 1; the same by a schedule that lies beside it; and 0 of an input that shows nothing.
set -euo pipefail
# shellcheck source=fuzz/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

cd "$1"
fuzzer=$2
export SIGSWEEP_HUNT=arg-clobbered SIGSWEEP_PROTOCOL=signalok_raw # which starts faster than all

# What reproduce makes of $work/input.
run() { scripts/reproduce hazard_fuzzer "$work/input"; }

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
