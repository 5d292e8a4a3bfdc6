#!/usr/bin/env bash
# course_test.sh: fuzz/summary.py course fails a campaign whose last quarter ran at less than a tenth of its usual rate,
# and no other.
set -euo pipefail

summary=$(dirname "${BASH_SOURCE[0]}")/summary.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect STATUS WHAT RATE...: a campaign that ran a second at each rate.
expect() {
  local wanted=$1 what=$2 status=0 execs=0 second=0 rate
  shift 2
  for rate; do
    second=$((second + 1)) execs=$((execs + rate))
    echo "$second.01 $execs 7"
  done >"$work/course"
  /usr/bin/python3 "$summary" course "$work/course" >"$work/output" || status=$?
  if ((status != wanted)); then
    echo "course_test: $what: status $status, expected $wanted:" >&2
    cat "$work/output" >&2
    exit 1
  fi
}

expect 0 "steady" 100 100 100 100 100 100 100 100
expect 0 "half as fast in the end" 100 100 100 100 100 100 50 50
expect 0 "one slow second" 100 100 100 100 100 100 100 1
expect 0 "a slow beginning" 0 0 0 100 100 100 100 100
expect 1 "a twentieth in the end" 100 100 100 100 100 100 5 5
expect 1 "nothing in the end" 100 100 100 100 100 100 0 0
expect 1 "nothing but in the beginning" 100 100 100 0 0 0 0 0
expect 0 "too short to tell" 100 0
