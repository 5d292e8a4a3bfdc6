#!/usr/bin/env python3
"""Medians of a benchmark run, and the ratios that it must keep. Only ratios mean something on a virtual machine.

    ratios.py FILE      FILE: the JSON of `sigsweep bench --benchmark_repetitions=N ...`

Prints one table. Exit status: 0 every ratio holds; 1 one does not; 2 usage, or a benchmark that a ratio needs is
missing.
"""

import json
import sys

AMD64 = {"amd64"}
OTHERS = {"386", "amd64p32"}
NATIVE = AMD64 | OTHERS

# (ISAs, what, terms above, terms below, at most)
RATIOS = [
    (AMD64, "one direct injection, in bare breakpoints", ["BM_inject_direct"], ["BM_int3_floor"], 1.15),
    (OTHERS, "one direct injection, in bare breakpoints", ["BM_inject_direct"], ["BM_int3_floor"], 1.25),
    (AMD64, "one killed injection, in bare breakpoint and signal", ["BM_inject_kill"],
     ["BM_int3_floor", "BM_tgkill_floor"], 1.25),
    (AMD64, "one contained trial, in bare breakpoints", ["BM_trial_contained"], ["BM_int3_floor"], 2.0),
    (AMD64, "onM, there and back, in jumps of fcontext there and back", ["BM_onM_curg"], ["BM_fcontext_two_jumps"],
     0.60),
    (NATIVE, "onM, in the parent commit's, which checks nothing", ["BM_onM_curg"], ["BM_onM_floor"], 1.25),
    (NATIVE, "mcall and gogo, in gosave and gogo on one stack", ["BM_mcall_gogo"], ["BM_mcall_floor"], 1.25),
]


def medians(path):
    with open(path, encoding="utf-8") as file:
        run = json.load(file)
    found = {}
    for row in run["benchmarks"]:
        if row.get("aggregate_name") == "median":
            found[row["run_name"].split("/")[0]] = row["real_time"]
    return run["context"], found


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    context, median = medians(sys.argv[1])
    for key in ("date", "build", "cpu", "kernel", "command"):
        print(f"{key:<8} {context.get(key, '?')}")
    print()
    for name, ns in median.items():
        print(f"{name:<26} {ns:>14.2f} ns")
    print()
    status = 0
    for isas, what, above, below, most in RATIOS:
        if context.get("isa") not in isas:
            continue
        missing = [name for name in above + below if name not in median]
        if missing:
            print(f"no ratio: {what}: {', '.join(missing)} not measured")
            status = 2
            continue
        ratio = sum(map(median.get, above)) / sum(map(median.get, below))
        word = "holds" if ratio <= most else "FAILS"
        print(f"{word}  {ratio:5.2f} <= {most:.2f}  {what}: {' + '.join(above)} / ({' + '.join(below)})")
        status = max(status, 0 if ratio <= most else 1)
    return status


if __name__ == "__main__":
    sys.exit(main())
