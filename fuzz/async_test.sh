#!/usr/bin/env bash
# async_test.sh FUZZER RUNS: with signals beside the inputs' that come when they like (ASYNC=1) there is no finding, and
# some of them did land in the code under test.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ASYNC=1 SIGSWEEP_STATS=$work "$1" -runs="$2" -seed=1
# strays and strays_landed (stress/base/fuzz_counters.h), of the one process that there was.
read -r strays landed < <(od -A n -t u8 -j 40 -N 16 "$work"/*)
echo "$strays free-running signals, $landed of those in the code under test"
((landed > 100))
