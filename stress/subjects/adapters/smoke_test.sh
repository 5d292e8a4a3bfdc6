#!/usr/bin/env bash
# smoke_test.sh STATUS TEXT COMMAND...: does the command end with that status, and print that text?
set -euo pipefail

status=$1 text=$2
shift 2
got=0
output=$("$@" 2>&1) || got=$?
printf '%s\n' "$output"
if ((got != status)) || [[ $output != *"$text"* ]]; then
  printf 'smoke_test.sh: status %s; expected: status %s, and the text: %s\n' "$got" "$status" "$text" >&2
  exit 1
fi
