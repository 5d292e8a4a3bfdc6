#!/usr/bin/env bash
# triage_test.sh ROOT: scripts/triage makes one line of schedules that show the same finding, with the smallest of them,
# and names a schedule that shows none, one at which the harness failed, and what is found that is no schedule.
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
expect 1 '^0 schedules, 0 findings, 0 that show nothing here$' '^no schedule  .*/findings/crash-1.txt: its target runs it again$'
rm -r "$work/in/findings"
cp corpus/hazards/argument-s0.sched "$work/in/"
sed 's/^op .*/op gc_m\n&/' corpus/hazards/argument-s0.sched >"$work/in/deeper/longer.sched" # an operation before it
expect 1 '^2 schedules, 1 findings, 0 that show nothing here$' '^[0-9a-f]{16}  2 schedules, 5 of 5 replays; signalok_raw, arg-clobbered s0'
[[ $(find "$work/out" -maxdepth 1 -name '*.sched' -exec grep -c '^op ' {} +) == 1 ]]
sed 's/^op /origin hazard_fuzzer: harness failure: lost\n&/' corpus/hazards/argument-s0.sched >"$work/in/deeper/lost.sched"
expect 3 '^3 schedules, 1 findings, 0 that show nothing here$' '^harness failure, .*/deeper/lost.sched: hazard_fuzzer: .*: lost$'
rm "$work/in/deeper/lost.sched"
cp corpus/regressions/saved-while-live.sched "$work/in/"
expect 3 '^3 schedules, 1 findings, 1 that show nothing here$' '^shows nothing  .*/saved-while-live.sched: '
