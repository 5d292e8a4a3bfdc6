#!/usr/bin/env bash
# triage_test.sh ROOT: scripts/triage makes one line of schedules that show the same finding, with the smallest of them,
# and of what a target itself stops at; and names a schedule that shows none, one at which the harness failed, and what
# is found that is no schedule and by no target that it knows.
set -euo pipefail
# shellcheck source=fuzz/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

cd "$1"

# A triage of what is in $work/in.
run() { scripts/triage --times 5 --out "$work/out" "$work/in"; }

mkdir -p "$work/in/deeper"
expect 0 '^0 schedules, nothing was found$'
mkdir "$work/in/findings"
touch "$work/in/findings/crash-1.txt" # of a target whose inputs are no schedules
expect 1 '^0 schedules, 0 findings, 0 that show nothing here$' '^no schedule  .*/findings/crash-1.txt: its target, which its folder does not name, runs it again$'
rm -r "$work/in/findings"
cp corpus/hazards/argument-s0.sched "$work/in/"
sed 's/^op .*/op gc_m\n&/' corpus/hazards/argument-s0.sched >"$work/in/deeper/longer.sched" # an operation before it
expect 1 '^2 schedules, 1 findings, 0 that show nothing here$' '^[0-9a-f]{16}  2 schedules, 5 of 5 replays; signalok_raw, arg-clobbered s0; draft: [^ ]*; in gdb: gdb .* --walk '
[[ $(find "$work/out" -maxdepth 1 -name '*.sched' -exec grep -c '^op ' {} +) == 1 ]]
sed 's/^op /origin hazard_fuzzer: harness failure: lost\n&/' corpus/hazards/argument-s0.sched >"$work/in/deeper/lost.sched"
expect 3 '^3 schedules, 1 findings, 0 that show nothing here$' '^harness failure, .*/deeper/lost.sched: hazard_fuzzer: .*: lost$'
rm "$work/in/deeper/lost.sched"
cp corpus/regressions/saved-while-live.sched "$work/in/"
expect 3 '^3 schedules, 1 findings, 1 that show nothing here$' '^shows nothing  .*/saved-while-live.sched: '
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
  expect 1 '^2 schedules, 2 findings, 0 that show nothing here$' '^by its target  1 files, such as .*/sound.txt: malloc_fuzzer: '
fi
