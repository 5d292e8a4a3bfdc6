#!/usr/bin/env bash
# minimize_test.sh ROOT ENGINE: scripts/minimize leaves fewer than it is given where some show the same, all of what
# it has left twice when it is given that, and no more when it is given all again. By schedule_fuzzer, which begins at
# once. Twice, because afl-cmin is greedy: it begins with what the fewest inputs show, so it can leave an input whose
# features the others of its choice show together. The second run counts among fewer inputs, and drops that one.
set -euo pipefail

cd "$1"
engine=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# left LEFT GIVEN OUT FOLDER...
left() {
  local expected="schedule_fuzzer, $engine: $1 of $2 inputs are left" said out=$3
  shift 3
  said=$(scripts/minimize --engine "$engine" --target schedule_fuzzer --out "$out" "$@")
  echo "$said"
  [[ $said =~ $expected ]] || { echo "minimize_test: expected: $expected" >&2 && exit 1; }
}

mkdir "$work/in"
for operation in gc_m park_m; do
  for seed in {1..5}; do
    printf 'sigsweep schedule 1\nisa amd64\nprotocol reject\nseed %d\nop %s\n' "$seed" "$operation" \
      >"$work/in/$operation-$seed"
  done
done
printf 'sigsweep schedule 2\n' >"$work/in/refused"
cp "$work/in/refused" "$work/in/again"
left '[2-9]' 11 "$work/once" "$work/in"
count() { find "$work/$1" -type f | wc -l; }
grep -r -F -l "schedule 2" "$work/once" >/dev/null || { echo "minimize_test: what alone was refused is lost" >&2 && exit 1; }
left "[2-$(count once)]" "$(count once)" "$work/twice" "$work/once"
left "$(count twice)" "$(count twice)" "$work/thrice" "$work/twice"
left "[2-$(count once)]" 11 "$work/again" "$work/once" "$work/in"
