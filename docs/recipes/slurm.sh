#!/usr/bin/env bash
# One sweep as an array of a Slurm cluster: each task is one shard.
#
#   mkdir -p results/shards
#   sbatch --array=1-16 docs/recipes/slurm.sh 16 results/shards --depth 2
#
# 16 is how many shards there are, and stays the same if some are submitted again. Behind the folder stand the flags of
# `sigsweep sweep`. SIGSWEEP names the command, if it is not in PATH. The folder must be one that all nodes see.
#SBATCH --job-name=sigsweep
#SBATCH --cpus-per-task=1
#SBATCH --time=02:00:00
#SBATCH --output=/dev/null
set -euo pipefail

shards=$1 folder=$2
shift 2
part=$folder/$SLURM_ARRAY_TASK_ID
exec "${SIGSWEEP:-sigsweep}" sweep --shard "auto/$shards" --json "$part.jsonl" "$@" >"$part.log" 2>&1
