#!/usr/bin/env bash
# reproduce_test.sh ROOT FUZZER: scripts/reproduce shows in another build what an input of hazard_fuzzer shows under the
# engine, with status 1; the same by a schedule that lies beside it; and 0 of an input that shows nothing. Of each
# target it shows what the target stops at, also where a trial alone shows nothing.
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
expect 1 '\.sched: arg-clobbered s0' '^expect +arg-clobbered s0$' \
  '^in gdb:  gdb .* --walk results/re(produced/input|played/[0-9a-f]{16})\.sched$'
cp corpus/hazards/argument-s0.sched "$work/input.sched" # as a campaign leaves it
expect 1 'input\.sched: arg-clobbered s0'
rm "$work/input.sched"
make_input corpus/regressions/raw-not-live.sched
expect 0 '\.sched: ok'

# The target's own judgement: with the same input, the verdict hunted is one at which nothing goes wrong.
SIGSWEEP_HUNT=ok expect 1 '^hazard_fuzzer: the hunted verdict: ok' '\.sched: ok' '^a trial alone shows nothing: what it is, the target says: '
unset SIGSWEEP_HUNT SIGSWEEP_PROTOCOL

# What has a fault planted in what the target alone sees; the release build's subject has none.
# shows STATUS TARGET FILE TEXT...
shows() {
  local wanted=$1
  eval "run() { scripts/reproduce '$2' '$3'; }"
  shift 3
  expect "$wanted" "$@"
}
built=$(dirname "$fuzzer")
printf 'sigsweep schedule 1\nisa amd64\nprotocol reject\nseed 0\nop mcacheRefill_m\n' >"$work/call.sched"
if [[ -x $built/backend_fuzzer-uncleared ]]; then
  : >"$work/empty" # of which a target makes one call, without a signal
  shows 1 backend_fuzzer-uncleared "$work/empty" '^backend_fuzzer-uncleared: differs from Boost.Context: ' '\.sched: ok'
  shows 1 backend_fuzzer-uncleared "$work/call.sched" '^backend_fuzzer-uncleared: differs from Boost.Context: ' '\.sched: ok'
  shows 0 backend_fuzzer "$work/call.sched" '^backend_fuzzer: does not stop at it$' '\.sched: ok'
fi
if [[ -x $built/malloc_fuzzer-swept_twice ]]; then
  cp corpus/seeds/malloc_fuzzer/survives.sched "$work/survives.txt"
  shows 1 malloc_fuzzer-swept_twice "$work/survives.txt" '^malloc_fuzzer-swept_twice stops at it:$' '^malloc_fuzzer-swept_twice: .*'
  shows 0 malloc_fuzzer "$work/survives.txt" '^malloc_fuzzer: does not stop at it$'
fi
printf 'sigsweep schedule 1\n\033[31m' >"$work/text"
shows 0 schedule_fuzzer "$work/text" '^schedule_fuzzer: does not stop at it$' '\^\[\[31m'
