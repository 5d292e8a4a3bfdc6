#!/usr/bin/env bash
# keep_ways.sh TARGET OBJCOPY: records the ways of the target's operations and handlers, and keeps them in the program,
# in a section that is not loaded. To record them takes seconds of a processor, so a target must not do it at each
# start. A target that cannot be run here, or fails without a signal, keeps none: it records at each start, and says
# then what is wrong.
# Exit status: 0; 1 the program cannot be written.
set -euo pipefail

target=$1 objcopy=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Nothing in the environment may choose other protocols than a target has by itself.
if env -i PATH="$PATH" "$target" --ways "$work/ways" >"$work/said" 2>&1; then
  "$objcopy" --add-section ".sigsweep.ways=$work/ways" "$target"
else
  printf '%s keeps no ways, and starts slowly: %s\n' "$(basename "$target")" "$(head -n 1 "$work/said")"
fi
