#!/usr/bin/env bash
# One sweep by GNU parallel: each job is one shard.
#
#   docs/recipes/parallel.sh 16 results/shards --depth 2
#
# 16 is how many shards there are. Behind the folder stand the flags of `sigsweep sweep`. SIGSWEEP names the command, if
# it is not in PATH. MACHINES takes what --sshlogin of GNU parallel takes, such as `4/:,8/big.example`: 4 jobs here and 8
# there. All of them need the command at the same place, and the same folder. Without it, this machine does all.
# SHARDS does some of them again: the list that `sigsweep merge` prints, such as 3,7-9.
# Exit status: that of `sigsweep merge`.
set -euo pipefail

shards=$1 folder=$2
shift 2
flags=$(printf ' %q' "$@")
mkdir -p "$folder"

# numbers LIST: the numbers of a list such as 3,7-9, one a line.
numbers() {
  local range
  for range in ${1//,/ }; do seq "${range%-*}" "${range#*-}"; done
}

# A job that fails stops no other one: merge names what is missing.
numbers "${SHARDS:-1-$shards}" |
  parallel --sshlogin "${MACHINES:-:}" --workdir . \
    "${SIGSWEEP:-sigsweep} sweep --shard {}/$shards --json $folder/{}.jsonl$flags >$folder/{}.log 2>&1" || true
exec "${SIGSWEEP:-sigsweep}" merge --json "$folder/all.jsonl" "$folder"/[0-9]*.jsonl
