#!/usr/bin/env bash
# async_test.sh FUZZER RUNS: with signals beside the inputs' that come when they like (ASYNC=1) there is no finding, and
# some of them did land in the code under test.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ASYNC=1 SIGSWEEP_STATS=$work "$1" -runs="$2" -seed=1
summary=$(/usr/bin/python3 "$here/summary.py" line "$work" 1)
echo "$summary"
[[ $summary =~ ([0-9]+)\ of\ those\ in\ the\ code && ${BASH_REMATCH[1]} -gt 100 ]]
