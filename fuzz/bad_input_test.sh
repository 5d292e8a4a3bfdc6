#!/usr/bin/env bash
# bad_input_test.sh ROOT: scripts/nightly refuses what it can't use, before anything is built: one clear line, and the
# status that its head promises. What the other scripts become is tested where the commands are (stress/host).
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
  refuses 2 "$work/nightly/fuzz/closed/corpus: no readable folder" "${user[@]}" scripts/nightly --budget 10m --out "$work/nightly"
else
  echo "bad_input_test: not tested: a folder that can't be read, for another user than root can't come here"
fi
