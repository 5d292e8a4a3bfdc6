#!/usr/bin/python3
"""summary.py FOLDER SECONDS: one line of what the targets that wrote their counters to FOLDER have done (stats.h)."""
import pathlib
import struct
import sys

ROWS = 2048
HEAD = struct.Struct("=8Q")


def main():
    folder, seconds = pathlib.Path(sys.argv[1]), max(float(sys.argv[2]), 1)
    total = [0] * 7
    rows, nesting, covered = 0, bytes(ROWS), bytearray(ROWS)
    for path in folder.iterdir():
        data = path.read_bytes()
        if len(data) != HEAD.size + 2 * ROWS:
            sys.exit(f"summary: {path}: {len(data)} bytes, {HEAD.size + 2 * ROWS} expected")
        head = HEAD.unpack_from(data)
        total = [a + b for a, b in zip(total, head)]
        if head[7] > rows:
            rows, nesting = head[7], data[HEAD.size:HEAD.size + ROWS]
        covered = bytearray(a | b for a, b in zip(covered, data[HEAD.size + ROWS:]))
    execs, operations, requested, landed, unreached, strays, strays_landed = total
    beside = f" and {strays} free-running ones beside them, {strays_landed} of those in the code under test" if strays else ""
    names = ("operations", "handlers", "handlers' handlers")
    phases = ", ".join(
        f"{sum(covered[i] for i in range(rows) if nesting[i] == n)} of {sum(nesting[i] == n for i in range(rows))} in {name}"
        for n, name in enumerate(names))
    print(f"{execs} execs, {execs / seconds:.0f} a second; {operations} operations, {requested} signals asked for, "
          f"{landed} landed ({landed / max(execs, 1):.2f} an exec), {unreached} unreached{beside}; phases: {phases}")


main()
