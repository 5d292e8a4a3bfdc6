#!/usr/bin/env bash
# start_test.sh TARGET SEEDS [all]: a target under libFuzzer starts as the services start it, with all arguments behind
# `--`, and takes what libFuzzer takes. All: also its other modes; and it ends clearly where its streams, its stack, its
# folders or its disk are short.
# shellcheck disable=SC2016  # what other shells expand stands in single quotes
set -euo pipefail

target=$1 seeds=("$2"/*.sched)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir in new

# ends STATUS TEXT COMMAND...: what it prints has TEXT, and no escape codes.
ends() {
  local wanted=$1 text=$2 status=0
  shift 2
  timeout 300 "$@" >said 2>&1 </dev/null || status=$?
  if ((status != wanted)) || ! grep -E -- "$text" said >/dev/null || grep -F $'\x1b' said >/dev/null; then
    echo "start_test: $*: status $status, expected $wanted and '$text':" >&2
    tail -n 20 said | cat -v >&2
    exit 1
  fi
}

"$target" --inputs in "${seeds[@]}"
"$target" --dictionary >dictionary
input=$(find in -type f | head -n 1)
number=$(find in -type f | wc -l)

# The services' lines.
services=("$target" -- -rss_limit_mb=2560 -timeout=25)
options=(-dict=dictionary)
while IFS=' =' read -r name value; do
  [[ -z $value ]] || options+=("-$name=$value")
done < <("$target" --options)
export TERM=dumb
ends 0 "^Done 4 runs" "${services[@]}" -seed=1337 -runs=4 "${options[@]}"
ends 0 "seed corpus: files: $number " "${services[@]}" -runs=0 in "${options[@]}"
ends 0 "^Executed " "${services[@]}" "$input" "${options[@]}"
# What it adds for itself stands where libFuzzer reads it.
lim='lim: 1000 '
[[ " ${options[*]} " == *" -max_len=1000 "* ]] || lim='lim: '
ends 0 "$lim" "$target" -runs=4 -timeout=25 -ignore_remaining_args=1 other arguments
[[ ${3-} == all ]] || exit 0

ends 0 "^Done 4 runs" "$target" -- -seed=1337 -runs=4
ends 0 "new files with" "$target" -merge=1 -timeout=100 new in
ends 0 "new files with" "$target" -- -merge=1 -timeout=100 new in
ends 0 "exiting: 0" "$target" -- -fork=1 -runs=20 new

# Its own words are its own where they come first, and libFuzzer's, which names them, behind `--`.
ends 2 "^[a-z]+_fuzzer: --prnt is unknown; allowed: --print" "$target" --prnt
ends 0 "Executed .*$input" "$target" -- --print "$input"

# Streams.
status=0
"$target" -runs=4 <&- >&- 2>&- || status=$?
((status == 0)) || { echo "start_test: with its streams closed: status $status" >&2 && exit 1; }
ends 3 "standard output: cannot be written: Bad file" bash -c '"$0" --options >&-' "$target"
ends 3 "standard output: cannot be written: No space" bash -c '"$0" --print "$1" >/dev/full' "$target" "$input"
status=0
"$target" --dictionary <&- >&- 2>&- || status=$?
((status == 3)) || { echo "start_test: a dictionary to a closed stream: status $status, expected 3" >&2 && exit 1; }

# A small stack.
ends 0 "^Done 300 runs" bash -c 'ulimit -s 64; exec "$0" -runs=300 -seed=1' "$target"

# Folders.
ends 2 "none: no folder that can be written: No such file" "$target" --inputs none "${seeds[0]}"
if ! unshare -m true 2>/dev/null; then
  echo "start_test: not tested: folders that can only be read, and full disks: no mount namespace can be had"
  exit 0
fi
# Of OPTIONS COMMAND...: runs it where `small` is a file system of its own.
in_mount=(unshare -m bash -euc 'mkdir -p small; mount -t tmpfs -o "$0" none small; exec "$@"')
ends 2 "small: no folder that can be written: Read-only" "${in_mount[@]}" ro "$target" --inputs small "${seeds[0]}"
ends 3 "small/.*: cannot be written: No space.*" "${in_mount[@]}" size=4k bash -c '
  head -c 4096 /dev/zero >small/full
  status=0
  "$0" --inputs small "$1" || status=$?
  [[ $(ls small) == full ]] || echo "a part is left: $(ls small)"
  exit "$status"' "$target" "${seeds[0]}"
! grep "a part is left" said >&2 || exit 1
ends 3 "SIGSWEEP_STATS: small/[0-9]+: No space" "${in_mount[@]}" size=4k env SIGSWEEP_STATS=small "$target" -runs=4
ends 2 "SIGSWEEP_STATS: small/[0-9]+: Read-only" "${in_mount[@]}" ro env SIGSWEEP_STATS=small "$target" -runs=4
ends 0 "^Done 4 runs" "${in_mount[@]}" ro bash -c 'cd small && exec "$0" -runs=4' "$target"
