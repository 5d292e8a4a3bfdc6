#!/usr/bin/env bash
# tsan_test.sh STORM: storms of a TSan build. The safe protocols give no report and no violation; the hazard of the
# others is seen.
set -euo pipefail

# storm PROTOCOL MIXES SECONDS: its records, and TSan's reports, one stream.
storm() {
  printf 'storm threads=4 tasks=64 duration=%s000000000 period=20000 sources=itimer,timer,kill,flood,sigqueue mixes=%s %s\n' \
    "$3" "$2" "protocol=$1 handlers=mcacheRefill_m,largeAlloc_m,gc_m,ready_m nest=1 seed=1" | "$runner" 2>&1
}

fail() {
  printf '%s\n%s\n' "$1" "$output" | cut -c 1-400 | head -n 100
  exit 1
}

runner=$1
for protocol in reject signalok_saved closure systemstack; do
  output=$(storm "$protocol" alloc,sched,gc,slots 2 | grep -v '^tick ') || fail "$protocol: the storm failed"
  [[ $output != *"WARNING: ThreadSanitizer"* ]] || fail "$protocol: TSan reports"
  [[ $output == *$'\n'done ]] || fail "$protocol: no end"
  [[ $output == *" verdicts= "* && $output == *" handler_clobbered=0 "* ]] || fail "$protocol: violations"
done
output=$(storm signalok_raw slots 1 | grep -v '^tick ') || fail "signalok_raw: the storm failed"
[[ $output == *"verdict=arg-clobbered"* ]] || fail "signalok_raw: TSan hides the hazard"
