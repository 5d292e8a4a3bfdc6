#!/usr/bin/env bash
# triage_test.sh ROOT: scripts/triage makes one line of schedules that show the same finding, and of what a real target
# itself stops at. stress/host/triage_test.cc has the rest, by a target that is made for it.
set -euo pipefail
# shellcheck source=fuzz/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

cd "$1"

# A triage of what is in $work/in.
run() { scripts/triage --times 5 --out "$work/out" "$work/in"; }

mkdir -p "$work/in/deeper"
cp corpus/hazards/argument-s0.sched "$work/in/"
sed 's/^op .*/op gc_m\n&/' corpus/hazards/argument-s0.sched >"$work/in/deeper/longer.sched" # an operation before it
expect 1 '^2 schedules, 1 findings, 0 that show nothing here$' '^[0-9a-f]{16}  2 schedules, 5 of 5 replays; signalok_raw, mcacheRefill_m, stub\.switched/[^ ]*, arg-clobbered s0; at onM\+0x[0-9a-f]*; draft: [^ ]*; in gdb: gdb .* --walk '
rm -r "$work/in"

# What a target alone sees: one more than a trial's verdict, twice; and one whose inputs are no schedules.
found=$work/in/hazard_fuzzer-libfuzzer/findings
mkdir -p "$found"
export SIGSWEEP_HUNT=ok SIGSWEEP_PROTOCOL=signalok_raw # which starts faster than all
for name in one two; do
  echo "origin hazard_fuzzer: the hunted verdict: ok" | cat corpus/regressions/raw-not-live.sched - >"$found/$name.sched"
done
expect 1 '^2 schedules, 1 findings, 0 that show nothing here$' '^by its target  2 files, such as .*/findings/one.sched: hazard_fuzzer: the hunted verdict: ok$'
found=$work/in/malloc_fuzzer-afl/findings
mkdir -p "$found"
cp corpus/seeds/malloc_fuzzer/survives.sched "$found/sound.txt"
expect 3 '^2 schedules, 1 findings, 1 that show nothing here$' '^shows nothing  .*/sound.txt: malloc_fuzzer does not stop at it$'
if [[ -x build/fuzz/malloc_fuzzer-swept_twice ]]; then
  mv "$work/in/malloc_fuzzer-afl" "$work/in/malloc_fuzzer-swept_twice-afl"
  expect 1 '^2 schedules, 2 findings, 0 that show nothing here$' '^by its target  1 files, such as .*/sound.txt: malloc_fuzzer-swept_twice: '
fi
