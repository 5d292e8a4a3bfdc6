#!/usr/bin/env bash
# oss_fuzz_check_test.sh ROOT: scripts/oss_fuzz_check hands its arguments to `sigsweep service-check`, and its status on.
# What that finds is tested beside it (stress/host/service_check_test.cc). Exit status 77 where no mount namespace can
# be had.
set -euo pipefail

cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unshare -m true 2>/dev/null || { echo "oss_fuzz_check_test: no mount namespace can be had" && exit 77; }

# expect STATUS TEXT ARGUMENT...
expect() {
  local status=0
  scripts/oss_fuzz_check "${@:3}" >"$work/output" 2>&1 || status=$?
  if ((status != $1)) || ! grep -F -- "$2" "$work/output" >/dev/null; then
    echo "oss_fuzz_check_test: ${*:3}: status $status, expected $1 and '$2':" >&2
    cat "$work/output" >&2
    exit 1
  fi
}

mkdir "$work/out"
expect 0 "Usage: sigsweep service-check" --help
expect 2 "'afl  i386' is not offered" --engine afl --architecture i386
expect 2 "unknown architecture: 'arm'" --architecture arm
expect 1 "FAIL  libfuzzer, undefined, x86_64: 0 targets" --out "$work/out" --sanitizer undefined
