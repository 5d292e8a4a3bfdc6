#!/usr/bin/env bash
# bad_input_test.sh ROOT: the scripts of the fuzzers refuse what they can't use, before anything is built: one clear line,
# and the status that the scripts' heads promise.
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

mkdir -p "$work/out/corpus"
truncate -s 10M "$work/out/corpus/large"
touch "$work/file"

minimize=(scripts/minimize --engine libfuzzer --target onm_fuzzer)
refuses 2 "unknown engine: 'honggfuzz' (allowed: libfuzzer, afl)" scripts/minimize --engine honggfuzz --target onm_fuzzer
refuses 2 "unknown target: 'om' (allowed: backend_fuzzer hazard_fuzzer" scripts/minimize --engine afl --target om
refuses 2 "--keep: 'all' is no number" "${minimize[@]}" --keep all
refuses 2 "$work/none: no folder that can be read" "${minimize[@]}" "$work/none"
refuses 2 "$work/file: no folder that can be read" "${minimize[@]}" "$work/file"
refuses 2 "large: larger than the 1048576 bytes" "${minimize[@]}" "$work/out/corpus"
refuses 2 "$work/out/stats: both read and made anew" "${minimize[@]}" --out "$work/out/stats" "$work/out/stats"

refuses 2 "usage: triage" scripts/triage
refuses 2 "$work/none: no file or folder that can be read" scripts/triage "$work/none"
refuses 2 "--times: '0' is no number" scripts/triage --times 0 "$work"
refuses 2 "$work/file: cannot be written" scripts/triage --out "$work/file" "$work"

refuses 2 "--budget: '' is no time such as 90s, 10m, 2h" scripts/nightly
refuses 2 "--budget: '10' is no time" scripts/nightly --budget 10
refuses 2 "--budget: '5s' is too short (allowed: 60s and more)" scripts/nightly --budget 5s
refuses 2 "unknown argument: --target" scripts/nightly --target onm_fuzzer
refuses 2 "$work/file: cannot be written" scripts/nightly --budget 10m --out "$work/file"
mkdir -p "$work/nightly/fuzz/onm_fuzzer-afl/corpus"
mv "$work/out/corpus/large" "$work/nightly/fuzz/onm_fuzzer-afl/corpus/"
refuses 2 "large: larger than the 1048576 bytes" scripts/nightly --budget 10m --out "$work/nightly"

# A folder of inputs that can't be read: by whom it belongs to, for root reads all.
chmod 755 "$work"
rm -rf "$work/out" "$work/nightly/fuzz/onm_fuzzer-afl"
mkdir -p "$work/out/"{corpus,findings,stats} "$work/nightly/fuzz/closed/corpus"
user=()
if ((EUID == 0)); then
  user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  chown -R 65534:65534 "$work/out" "$work/nightly"
fi
chmod 000 "$work/out/corpus" "$work/nightly/fuzz/closed/corpus"
if "${user[@]}" test -r scripts/fuzz; then
  refuses 2 "$work/out/corpus: no folder that can be read" "${user[@]}" "${minimize[@]}" "$work/out/corpus"
  refuses 2 "$work/nightly/fuzz/closed/corpus: no folder that can be read" "${user[@]}" scripts/nightly --budget 10m --out "$work/nightly"
else
  echo "bad_input_test: not tested: a folder that can't be read, for another user than root can't come here"
fi

# A PATH with what the scripts need, and no AFL++.
mkdir "$work/bin"
for tool in bash dirname env mkdir; do ln -s "$(command -v "$tool")" "$work/bin/$tool"; done
refuses 77 "AFL++ is not installed" env PATH="$work/bin" scripts/minimize --engine afl --target onm_fuzzer

refuses 2 "no file that can be read" scripts/reproduce onm_fuzzer "$work/none"
refuses 2 "unknown target: 'om'" scripts/reproduce om "$work/file"
refuses 2 "usage: reproduce" scripts/reproduce onm_fuzzer
