#!/usr/bin/env bash
# adapter_test.sh FUZZER FOLDER: adapter_fuzzer ends with one clear line where there is no adapter that it can take. The
# folder holds adapters that are wrong.
set -euo pipefail

fuzzer=$1 folder=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$fuzzer" "$work/adapter_fuzzer"
echo "no shared object" >"$work/text.so"

# refuses STATUS TEXT COMMAND...
refuses() {
  local status=0 wanted=$1 text=$2
  shift 2
  env "$@" -runs=1 >"$work/output" 2>&1 || status=$?
  if ((status != wanted)) || ! grep -F -- "$text" "$work/output" >/dev/null || (($(wc -l <"$work/output") != 1)); then
    echo "adapter_test: $*: status $status, expected $wanted and one line with '$text':" >&2
    cat "$work/output" >&2
    exit 1
  fi
}

refuses 2 "$work/adapter-boost_context-" "$work/adapter_fuzzer"
refuses 2 "SIGSWEEP_ADAPTER names another adapter's" "$work/adapter_fuzzer"
refuses 2 "SIGSWEEP_ADAPTER: empty; the path of a shared object is expected" SIGSWEEP_ADAPTER= "$fuzzer"
refuses 2 "adapter_fuzzer: $work/none.so: cannot open shared object file" SIGSWEEP_ADAPTER="$work/none.so" "$fuzzer"
refuses 2 "adapter_fuzzer: $work/text.so: " SIGSWEEP_ADAPTER="$work/text.so" "$fuzzer"
refuses 2 "no function sigsweep_adapter() in it" SIGSWEEP_ADAPTER="$folder/smoke_bad-NOTHING-amd64.so" "$fuzzer"
refuses 2 "built for ABI 2 of sigsweep_adapter.h" SIGSWEEP_ADAPTER="$folder/smoke_bad-NEWER-amd64.so" "$fuzzer"
refuses 2 "ASYNC: '1' is not possible for an adapter; allowed: 0" ASYNC=1 "$fuzzer"
