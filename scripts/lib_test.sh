#!/usr/bin/env bash
# lib_test.sh ROOT: builds of one preset take turns: a second one, begun while a first is at work, waits, and both are made.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export work
mkdir "$work/scripts" "$work/bin"
cp "$1/scripts/lib.sh" "$work/scripts/"

# A cmake that begins another build, once, and notes whether the preset is locked while it runs.
cat >"$work/bin/cmake" <<'END'
#!/usr/bin/env bash
if mkdir "$work/another" 2>/dev/null; then
  bash -c 'source "$work/scripts/lib.sh"; configure_and_build release' 9>&- >&7 2>&7 </dev/null &
fi
if flock -n "$work/build/logs/release.lock" true; then echo "open: $*"; else echo "locked: $*"; fi >>"$work/seen"
END
chmod +x "$work/bin/cmake"

# Descriptor 7 is there for the other build's line: the output ends when both have ended.
output=$(PATH=$work/bin:$PATH bash -c 'source "$work/scripts/lib.sh"; configure_and_build release' 7>&1 2>&1 </dev/null)

one=$'locked: --preset release\nlocked: --build --preset release'
if [[ $(<"$work/seen") != "$one"$'\n'"$one" ]] || (($(grep -c '^built release in' <<<"$output") != 2)); then
  echo "lib_test: two builds at once: expected each to be made, locked, one after the other:" >&2
  cat "$work/seen" - <<<"$output" >&2
  exit 1
fi
