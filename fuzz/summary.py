#!/usr/bin/python3
"""The work of the targets that write their counters to FOLDER (stats.h).

summary.py line FOLDER SECONDS         one line for all targets
summary.py watch FOLDER EVERY FILE     until it is killed: every EVERY seconds a line to FILE: seconds, execs, phases
summary.py course FILE                 of these, one line: phases and rate over time; exit status 1 if the last quarter
                                       of the campaign ran at less than a tenth of its usual rate, that of its best
                                       quarter
"""
import pathlib
import statistics
import struct
import sys
import time

ROWS = 2048
HEAD = struct.Struct("=8Q")


PARTS = 8  # of a campaign, at least: fewer have no usual rate


def read(folder):
    """Counters, the nesting of each row, which rows are covered."""
    total, rows, nesting, covered = [0] * 7, 0, bytes(ROWS), bytearray(ROWS)
    for path in pathlib.Path(folder).iterdir():
        data = path.read_bytes()
        if len(data) != HEAD.size + 2 * ROWS:
            sys.exit(f"summary: {path}: {len(data)} bytes, {HEAD.size + 2 * ROWS} expected")
        head = HEAD.unpack_from(data)
        total = [a + b for a, b in zip(total, head)]
        if head[7] > rows:
            rows, nesting = head[7], data[HEAD.size:HEAD.size + ROWS]
        covered = bytearray(a | b for a, b in zip(covered, data[HEAD.size + ROWS:]))
    return total, nesting[:rows], covered


def line(folder, seconds):
    (execs, operations, requested, landed, unreached, strays, strays_landed), nesting, covered = read(folder)
    beside = f" and {strays} free-running ones beside them, {strays_landed} of those in the code under test" if strays else ""
    names = ("operations", "handlers", "handlers' handlers")
    phases = ", ".join(
        f"{sum(c for c, n in zip(covered, nesting) if n == depth)} of {nesting.count(depth)} in {name}"
        for depth, name in enumerate(names))
    print(f"{execs} execs, {execs / max(float(seconds), 1):.0f} a second; {operations} operations, {requested} signals "
          f"asked for, {landed} landed ({landed / max(execs, 1):.2f} an exec), {unreached} unreached{beside}; "
          f"phases: {phases}")


def watch(folder, every, file):
    """A new file of counters may still be empty: it counts the next time."""
    start = time.monotonic()
    with open(file, "w", encoding="utf-8") as out:
        while True:
            time.sleep(float(every))
            try:
                total, _, covered = read(folder)
            except SystemExit:
                continue
            print(f"{time.monotonic() - start:.2f} {total[0]} {sum(covered)}", file=out, flush=True)


def course(file):
    points = [(0.0, 0, 0)]
    for words in map(str.split, pathlib.Path(file).read_text(encoding="utf-8").splitlines()):
        points.append((float(words[0]), int(words[1]), int(words[2])))
    rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(points, points[1:])]
    shown = points[1::max(len(points) // 5, 1)]
    print("phases over time: " + ", ".join(f"{phases} at {seconds:.0f} s" for seconds, _, phases in shown))
    if len(rates) < PARTS:
        return
    quarter = len(rates) // 4
    quarters = [statistics.mean(rates[i:i + quarter]) for i in range(len(rates) % 4, len(rates), quarter)]
    last, usual = quarters[-1], max(quarters)
    print(f"the last quarter ran at {last:.0f} execs a second, the usual rate is {usual:.0f}")
    if last < usual / 10:
        sys.exit(1)


if len(sys.argv) > 2 and sys.argv[1] in ("line", "watch", "course"):
    {"line": line, "watch": watch, "course": course}[sys.argv[1]](*sys.argv[2:])
else:
    sys.exit(__doc__)
