#!/usr/bin/env bash
# lib_test.sh ROOT: builds of one preset take turns: a second one, begun while a first is at work, waits, and both are
# made. Where the log can't be written that is said, and no older one is shown. A script that only one may run at a time
# is refused while another runs. A stream that is closed is opened. --help is answered.
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

# shellcheck disable=SC2016  # to be expanded inside
bash -euc 'source "$work/scripts/lib.sh"; open_streams; exec 7>"$work/file"; echo out; echo error >&2; read -r || true' \
  <&- >&- 2>&- || fail "with its streams closed a script fails, status $?"
[[ ! -s $work/file ]] || fail "what is printed is in a file: $(<"$work/file")"

# check WHAT STATUS TEXT COMMANDS: what they print, sourced behind lib.sh, is TEXT, and they end with STATUS.
check() {
  local output status=0
  output=$(PATH=$work/bin:$PATH bash -euc 'source "$work/scripts/lib.sh"; eval "$1"' bash "$4" 2>&1 </dev/null) || status=$?
  if [[ $status != "$2" || $output != "$3" ]]; then
    printf 'lib_test: %s: status %s, expected %s and "%s":\n%s\n' "$1" "$status" "$2" "$3" "$output" >&2
    exit 1
  fi
}

# shellcheck disable=SC2016  # to be expanded inside
check "processors" 0 "1 1" \
  'echo "$(OMP_NUM_THREADS=7 taskset -c "$(taskset -cp $$ | sed "s/.*[^0-9]//")" bash -c "source $work/scripts/lib.sh; processors 64") $(processors 1)"'

# shellcheck disable=SC2016  # to be expanded inside
printf '%s\n' '#!/usr/bin/env bash' '# What it does.' '# Exit status: 0.' 'source "$work/scripts/lib.sh"' 'help_asked "$@"' \
  '# no more' 'echo "ran $*"' >"$work/scripts/some"
for asked in --help "-x -h"; do
  check "help" 0 $'What it does.\nExit status: 0.' "bash '$work/scripts/some' $asked"
done
check "no help" 0 "ran -x --helpful" "bash '$work/scripts/some' -x --helpful"

logs=$work/build/logs
check "a script alone" 0 "" 'only_one bench'
(
  flock 9
  check "another at work" 3 \
    "bash: another scripts/bench is at work in this checkout; one at a time can write its results" 'only_one bench'
) 9>"$logs/bench.lock"

# A folder stands where a file should be: not even root can write there.
rm "$logs/release.lock"
mkdir "$logs/release.lock"
echo "of a build long ago" >"$logs/release.log"
check "a lock of somebody else" 3 "bash: $logs/release.lock: cannot be written
bash: nothing was made" 'configure_and_build release || die 3 "nothing was made"'
rm "$logs/release.log"
mkdir "$logs/release.log"
check "a log of somebody else" 3 "bash: $logs/release.log: cannot be written
bash: nothing was made" 'configure_and_build release || die 3 "nothing was made"'
rm -r "$work/build"
touch "$work/build"
check "no folder" 3 "bash: $logs/release.log: cannot be written
bash: nothing was made" 'configure_and_build release || die 3 "nothing was made"'
