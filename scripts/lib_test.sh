#!/usr/bin/env bash
# lib_test.sh ROOT: builds of one preset take turns: a second one, begun while a first is at work, waits, and both are
# made. Where nothing can be written no old log is shown. A stream that is closed is opened.
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

fail() {
  echo "lib_test: $*" >&2
  exit 1
}

# Another user's checkout: a log of an earlier build lies there, and nothing can be written.
user=()
((EUID != 0)) || user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
chmod 755 "$work" "$work"/{bin,scripts,build,build/logs}
echo "of another day" >"$work/build/logs/release.log"
((EUID == 0)) || chmod 555 "$work/build/logs"
status=0
# shellcheck disable=SC2016  # to be expanded inside
PATH=$work/bin:$PATH "${user[@]}" bash -euc 'source "$work/scripts/lib.sh"; configure_and_build release || die 3 "no build"' \
  >"$work/said" 2>&1 </dev/null || status=$?
((status == 3)) || fail "a checkout that cannot be written: status $status, expected 3: $(<"$work/said")"
grep "build/logs: cannot be written by" "$work/said" >/dev/null || fail "it does not say what cannot be written: $(<"$work/said")"
! grep "of another day" "$work/said" >/dev/null || fail "it shows the log of another build"
((EUID == 0)) || chmod 755 "$work/build/logs"

# shellcheck disable=SC2016  # to be expanded inside
bash -euc 'source "$work/scripts/lib.sh"; open_streams; exec 7>"$work/file"; echo out; echo error >&2; read -r || true' \
  <&- >&- 2>&- || fail "with its streams closed a script fails, status $?"
[[ ! -s $work/file ]] || fail "what is printed is in a file: $(<"$work/file")"
