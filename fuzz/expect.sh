# For the tests of scripts, which source it: a folder for the test ($work), and a check of a command's output and end.
# shellcheck shell=bash

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect STATUS TEXT...: of `run`, which the test defines.
expect() {
  local wanted=$1 status=0 text
  shift
  run >"$work/output" 2>"$work/error" || status=$?
  for text in "$@"; do
    if ((status != wanted)) || ! grep -E -- "$text" "$work/output" >/dev/null; then
      echo "${0##*/}: status $status, expected $wanted and '$text':" >&2
      cat "$work/output" "$work/error" >&2
      exit 1
    fi
  done
}
