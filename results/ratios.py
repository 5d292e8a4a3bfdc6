#!/usr/bin/env python3
"""Medians of several runs of the benchmarks, and the ratios that they must keep. Only ratios mean something on a
virtual machine.

    ratios.py measure PREFIX ARGUMENT...  runs `sigsweep bench ARGUMENT...` ten times, each time in a new process, and
                                          writes PREFIX.json and PREFIX.txt, which it also prints
    ratios.py table OUT RUN...            the same of runs that are there. RUN: the JSON of one `sigsweep bench
                                          --benchmark_format=json`; the same benchmarks in each. OUT: becomes one such
                                          JSON of all, with the medians
    ratios.py needs ARGUMENT...           prints the ISA that these arguments measure, and the target to build for it

Exit status: 0 every ratio holds; 1 one does not; 2 usage, or a benchmark that a ratio needs is missing, or was not
measured in every run; 3 a run fails; 4 and 77: a run ends so, and so it was stopped, or can't be had here.
"""

import json
import pathlib
import re
import signal
import statistics
import subprocess
import sys

RUNS = 10
PASSED_ON = (2, 4, 77)  # statuses of a run that say more than that it failed
SIGSWEEP = "build/release/sigsweep"
LOGS = pathlib.Path("build/logs")

AMD64 = {"amd64"}
OTHERS = {"386", "amd64p32"}
NATIVE = AMD64 | OTHERS

# What a ratio may be at most, by the kind of processor: a word of its name, the limit, and what was measured on which
# machine. A processor of no row here has the widest limit, and its line says so.
#
# onM takes as long on both: 7.2 ns and 6.6 ns. Each load of g's cell waits for the store before it, and g goes through
# that cell twice a round. On the Intel machine a copy of onM takes 21.8 cycles, and 9.0 if one of the two loads reads a
# cell that is never written. They differ in Boost.Context's jump: two of them take 15.2 ns and 8.4 ns. 13 of the 26
# cycles on the Intel machine are the four instructions for the control words of SSE and x87.
JUMPS = [
    ("AMD", 0.60, "0.47 on an AMD EPYC, 2026-11-29"),
    ("Intel", 1.00, "0.78 on an Intel Xeon of family 6, model 207, 2026-11-30"),
]
# Saving and restoring the six registers that C++ expects is 0.5 ns of mcall's 16.4 on the Intel machine. The rest of the
# difference between the two is not understood.
STACKS = [
    ("AMD", 1.25, "1.11 to 1.15 on an AMD EPYC, 2026-11-29"),
    ("Intel", 1.40, "1.23 to 1.26 on an Intel Xeon of family 6, model 207, 2026-11-30"),
]

# (ISAs, what, terms above, terms below, at most: on all processors, or by their kind)
RATIOS = [
    (AMD64, "one direct injection, in bare breakpoints", ["BM_inject_direct"], ["BM_int3_floor"], 1.15),
    (OTHERS, "one direct injection, in bare breakpoints", ["BM_inject_direct"], ["BM_int3_floor"], 1.25),
    (AMD64, "one killed injection, in bare breakpoint and signal", ["BM_inject_kill"],
     ["BM_int3_floor", "BM_tgkill_floor"], 1.25),
    (AMD64, "one contained trial, in bare breakpoints", ["BM_trial_contained"], ["BM_int3_floor"], 2.0),
    (AMD64, "onM, there and back, in jumps of fcontext there and back", ["BM_onM_curg"], ["BM_fcontext_two_jumps"],
     JUMPS),
    (NATIVE, "onM, in the parent commit's, which checks nothing", ["BM_onM_curg"], ["BM_onM_floor"], 1.25),
    (NATIVE, "mcall and gogo, in gosave, fn and gogo on one stack", ["BM_mcall_gogo"], ["BM_mcall_floor"], STACKS),
]


def limit(most, cpu):
    """The limit for a processor of this name, and a remark on it."""
    if isinstance(most, float):
        return most, ""
    for kind, at_most, measured in most:
        if re.search(rf"\b{kind}\b", cpu):
            return at_most, f" ({kind}: measured {measured})"
    kinds = ", ".join(kind for kind, _, _ in most)
    return max(at_most for _, at_most, _ in most), f" (no limit is known for {cpu!r}: the widest of {kinds})"

def merged(paths):
    """One run's JSON, with the rows of all and a median of each benchmark."""
    loaded = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            loaded.append(json.load(file))
    context = loaded[0]["context"]
    del context["host_name"]  # which machine it was is told by its processor; its name is nobody's business
    rows = {}
    for index, run in enumerate(loaded):
        for row in run["benchmarks"]:
            if row["run_type"] == "iteration" and "error_occurred" not in row:
                rows.setdefault(row["run_name"], []).append(row | {"repetition_index": index})
    for name, measured in list(rows.items()):
        if len(measured) != len(paths):
            print(f"{name}: measured in {len(measured)} of {len(paths)} runs", file=sys.stderr)
            del rows[name]
            continue
        median = {key: statistics.median(row[key] for row in measured) for key in ("real_time", "cpu_time")}
        measured.append(
            measured[0]
            | median
            | {
                "name": f"{name}_median",
                "run_type": "aggregate",
                "aggregate_name": "median",
                "aggregate_unit": "time",
                "iterations": len(paths),
            }
        )
    return {"context": context, "benchmarks": [row for measured in rows.values() for row in measured]}


def table(whole, runs):
    """The lines to print of a merged JSON, and the exit status."""
    context = whole["context"]
    medians = {
        row["run_name"].split("/")[0]: row["real_time"]
        for row in whole["benchmarks"]
        if row["run_type"] == "aggregate"
    }
    lines = [f"{key:<8} {context.get(key, '?')}" for key in ("date", "build", "cpu", "kernel", "command")]
    lines.append(f"medians of {runs} runs")
    lines += [f"{name:<26} {ns:>10.2f} ns" for name, ns in medians.items()]
    lines.append("")
    status = 0
    for isas, what, above, below, most in RATIOS:
        if context.get("isa") not in isas:
            continue
        missing = [name for name in above + below if name not in medians]
        if missing:
            lines.append(f"no ratio: {what}: {', '.join(missing)} not measured")
            status = 2
            continue
        ratio, floor = (sum(medians[name] for name in names) for names in (above, below))
        ratio /= floor
        at_most, remark = limit(most, context.get("cpu", "?"))
        word = "holds" if ratio <= at_most else "FAILS"
        terms = f"{' + '.join(above)} / ({' + '.join(below)})"
        lines.append(f"{word}  {ratio:5.2f} <= {at_most:.2f}  {what}: {terms}{remark}")
        status = max(status, 0 if ratio <= at_most else 1)
    return lines, status


def write_table(out, runs):
    """Writes the JSON of all runs; the table's text, and the exit status."""
    whole = merged(runs)
    pathlib.Path(out).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    lines, status = table(whole, len(runs))
    return "".join(line + "\n" for line in lines), status


def is_json(path):
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def measure(prefix, arguments):
    paths = [LOGS / f"bench-{run}.json" for run in range(1, RUNS + 1)]
    for path in paths:
        with open(path, "wb") as file:
            ended = subprocess.run([SIGSWEEP, "bench", "--benchmark_format=json", *arguments], stdout=file, check=False)
        if ended.returncode != 0:
            print(f"bench: the benchmarks ended with status {ended.returncode}", file=sys.stderr)
            return ended.returncode if ended.returncode in PASSED_ON else 3
        if not is_json(path):
            print(f"bench: no figures: {path} is no JSON (arguments: {' '.join(arguments)})", file=sys.stderr)
            return 2
    text, status = write_table(f"{prefix}.json", paths)
    pathlib.Path(f"{prefix}.txt").write_text(text, encoding="utf-8")
    print(text, end="")
    return status


def isa_of(arguments):
    """The ISA that arguments of `sigsweep bench` name, by --isa X or --isa=X; the last one counts."""
    isa = "amd64"
    for flag, value in zip(arguments, [*arguments[1:], ""]):
        if flag == "--isa" and value:
            isa = value
        elif flag.startswith("--isa="):
            isa = flag.removeprefix("--isa=")
    return isa


def target_of(isa):
    """The target of preset release that has the benchmarks of an ISA."""
    return "benchmarks" if isa == "amd64" else "proof-all"


def main(arguments):
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches the benchmarks too
    match arguments:
        case ["measure", prefix, *rest]:
            return measure(prefix, rest)
        case ["table", out, _, *_]:
            text, status = write_table(out, arguments[2:])
            print(text, end="")
            return status
        case ["needs", *rest]:
            isa = isa_of(rest)
            print(isa, target_of(isa))
            return 0
    print(__doc__.strip(), file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
