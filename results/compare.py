#!/usr/bin/python3
"""Holds one version's results against another's.

compare.py cells OLD.jsonl NEW.jsonl
    The same cells, with the same trials, verdicts and fingerprints; the same claims; the same ids of findings.
    Seconds and provenance are left out, and so are storms, which never repeat exactly.
compare.py rates OLD NEW [--pairs N] -- ARGUMENT...
    OLD and NEW are two `sigsweep` commands. Runs `sweep ARGUMENT...` by one and the other in turn, and prints the ratio
    of their trials a second, NEW to OLD, with its 95 % interval.

Exit status: 0; 1 a difference (cells); 2 usage, or a file that cannot be read; 3 a command failed.
"""

import json
import math
import pathlib
import re
import statistics
import subprocess
import sys

IDENTITY = {
    "cell": ("isa", "protocol", "site", "handler", "form", "inject", "contain"),
    "claim": ("isa", "id"),
    "finding": ("id",),
}
COMPARED = {
    "cell": ("boundaries", "trials", "requested", "landed", "unreached", "verdicts", "predicted_mismatches", "expected", "map"),
    "claim": ("statement", "holds", "cells", "pairs", "trials", "landed"),
    "finding": ("isa", "protocol", "site", "handler", "phase", "verdict"),
}
STORM_CLAIM = 12  # its figures are a storm's
SHOWN = 10
# Two-sided 95 % of Student's t for n - 1 degrees of freedom, from n = 15 pairs on.
STUDENT = 2.145


def rows_of(path):
    """What is compared of each row, by what the row is of."""
    rows = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        kind = row["kind"]
        if kind not in IDENTITY or (kind == "claim" and row["id"] == STORM_CLAIM):
            continue
        rows[(kind, *(row[name] for name in IDENTITY[kind]))] = {name: row[name] for name in COMPARED[kind]}
    return rows


def compare_cells(old_path, new_path):
    old, new = rows_of(old_path), rows_of(new_path)
    differences = []
    for identity in sorted(old.keys() | new.keys(), key=str):
        name = " ".join(str(part) for part in identity)
        if identity not in new:
            differences.append(f"only in {old_path}: {name}")
        elif identity not in old:
            differences.append(f"only in {new_path}: {name}")
        elif old[identity] != new[identity]:
            changed = [key for key in old[identity] if old[identity][key] != new[identity][key]]
            differences.append(f"{name}: " + "; ".join(f"{k} {old[identity][k]} -> {new[identity][k]}" for k in changed))
    for line in differences[:SHOWN]:
        print(line)
    print(f"{len(old)} rows against {len(new)}: {len(differences)} differ")
    return 1 if differences or not old else 0


def rate(command, arguments):
    ran = subprocess.run([command, "sweep", *arguments], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+) trials/s", ran.stdout)
    if found is None:
        print(f"{command}: status {ran.returncode}, and no rate:\n{ran.stdout}{ran.stderr}", file=sys.stderr)
        sys.exit(3)
    return float(found.group(1))


def compare_rates(old, new, pairs, arguments):
    rates = [(rate(old, arguments), rate(new, arguments)) for _ in range(pairs)]
    logs = [math.log(b / a) for a, b in rates]
    middle, half = statistics.mean(logs), STUDENT * statistics.stdev(logs) / math.sqrt(pairs)
    print(
        f"trials a second: {statistics.median(a for a, _ in rates):.0f} before, {statistics.median(b for _, b in rates):.0f} "
        f"now, {pairs} pairs: ratio {math.exp(middle):.3f}, 95 % interval {math.exp(middle - half):.3f} to {math.exp(middle + half):.3f}"
    )
    return 0


def main(arguments):
    try:
        if len(arguments) == 3 and arguments[0] == "cells":
            return compare_cells(*arguments[1:])
        if "--" in arguments and arguments[0] == "rates":
            at = arguments.index("--")
            flags = arguments[1:at]
            pairs = int(flags[3]) if len(flags) == 4 and flags[2] == "--pairs" else 15
            if len(flags) in (2, 4) and pairs >= 15:
                return compare_rates(flags[0], flags[1], pairs, arguments[at + 1 :])
    except (OSError, ValueError, KeyError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
