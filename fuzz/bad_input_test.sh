#!/usr/bin/env bash
# bad_input_test.sh ROOT: scripts/fuzz and scripts/reproduce refuse what they can't use, before anything is built: one
# clear line, and the status that the scripts' heads promise.
set -euo pipefail

cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# refuses STATUS TEXT COMMAND...
refuses() {
  local status=0 wanted=$1 text=$2
  shift 2
  "$@" >"$work/output" 2>&1 || status=$?
  if ((status != wanted)) || ! grep -F -- "$text" "$work/output" >/dev/null || (($(wc -l <"$work/output") != 1)); then
    echo "bad_input_test: $*: status $status, expected $wanted and one line with '$text':" >&2
    cat "$work/output" >&2
    exit 1
  fi
}

fuzz=(scripts/fuzz --engine libfuzzer --target onm_fuzzer)
refuses 2 "unknown engine: 'honggfuzz' (allowed: libfuzzer, afl)" scripts/fuzz --engine honggfuzz --target onm_fuzzer
refuses 2 "unknown target: 'om' (allowed: backend_fuzzer hazard_fuzzer" scripts/fuzz --engine libfuzzer --target om
refuses 2 "--duration: '1h'" "${fuzz[@]}" --duration 1h
refuses 2 "unknown isa: 'arm' (allowed: amd64, 386)" "${fuzz[@]}" --isa arm
refuses 2 "--isa 386: neither AFL++ nor backend_fuzzer" scripts/fuzz --engine afl --target onm_fuzzer --isa 386
refuses 2 "nor malloc_fuzzer is there for it" scripts/fuzz --engine libfuzzer --target malloc_fuzzer --isa 386
refuses 2 "--jobs: '0'" "${fuzz[@]}" --jobs 0
refuses 2 "--jobs needs a value" "${fuzz[@]}" --jobs

mkdir -p "$work/out/corpus"
truncate -s 10M "$work/out/corpus/large"
refuses 2 "large: larger than the 1048576 bytes" "${fuzz[@]}" --out "$work/out"
touch "$work/file"
refuses 2 "$work/file: cannot be written" "${fuzz[@]}" --out "$work/file"

# A PATH with what the script needs, and no AFL++.
mkdir "$work/bin"
for tool in bash dirname env mkdir; do ln -s "$(command -v "$tool")" "$work/bin/$tool"; done
refuses 77 "AFL++ is not installed" env PATH="$work/bin" scripts/fuzz --engine afl --target onm_fuzzer

refuses 2 "no file that can be read" scripts/reproduce onm_fuzzer "$work/none"
refuses 2 "unknown target: 'om'" scripts/reproduce om "$work/file"
refuses 2 "usage: reproduce" scripts/reproduce onm_fuzzer
