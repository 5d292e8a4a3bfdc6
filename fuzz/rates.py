#!/usr/bin/python3
"""A target's share of the rate that the engine and the machine allow, one signal an input.

rates.py measure BUILD SECONDS   for each row below, one after the other: a JSON line on standard output
rates.py table FILE              medians and shares of such lines; the first tells of machine and build. Exit status:
                                 0 every share that must hold does; 1 one does not

BUILD: the folder of the presets' builds. A rate is the count between two looks at a running target's counters
(stats.h). With signals, those that landed are counted, so an input without one counts for nothing.
"""
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time

EXECS, LANDED = 0, 3  # places in stats.h
# New coverage comes in the beginning and takes long: an input's time falls by eight until so many have run.
SETTLED = 80_000

TRIVIAL = "nothing, under the engine"
# (the measured work, the part of an input that is run, source, the counter)
ROWS = [
    (TRIVIAL, "none", "direct", EXECS),
    ("an operation, no signal", "plain", "direct", EXECS),
    ("one signal, direct", "one", "direct", LANDED),
    ("one signal, kill", "one", "kill", LANDED),
    ("one signal, itimer", "one", "itimer", LANDED),
]
# (preset, the work it is compared with, at least)
PRESETS = [
    ("fuzz", "nothing and a breakpoint", 0.25),
    ("fuzz-plain", "nothing and a breakpoint", 0.40),
    ("afl", "nothing", None),
    ("afl-plain", "nothing", 0.40),
]


def counted(folder, place):
    return sum(struct.unpack_from("=8Q", data)[place] for path in folder.iterdir() if (data := path.read_bytes()))


def command(preset, build, work):
    corpus = work / "corpus"
    corpus.mkdir()
    fuzzer = str(build / preset / "onm_fuzzer")
    if preset.startswith("fuzz"):
        return [fuzzer, "-seed=1", f"-artifact_prefix={work}/", str(corpus)]
    (corpus / "one").write_bytes(b"\0")
    os.environ.update(AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1", AFL_SKIP_CPUFREQ="1", AFL_NO_AFFINITY="1", AFL_NO_UI="1",
                      AFL_CUSTOM_MUTATOR_LIBRARY=str(build / preset / "libafl_mutator.so"), AFL_CUSTOM_MUTATOR_ONLY="1")
    return ["afl-fuzz", "-s", "1", "-t", "20000", "-m", "none", "-i", str(corpus), "-o", str(work / "afl"), "--", fuzzer]


def ns_each(preset, build, seconds, row):
    """Nanoseconds for each count."""
    _, shape, source, place = row
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        (work / "stats").mkdir()
        env = os.environ | dict(SIGSWEEP_SHAPE=shape, SIGSWEEP_INJECT=source, SIGSWEEP_STATS=str(work / "stats"))
        words = command(preset, build, work)
        process = subprocess.Popen(words, env=env | os.environ, cwd=work, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            limit = time.monotonic() + 120
            while counted(work / "stats", place) < SETTLED:
                if process.poll() is not None or time.monotonic() > limit:
                    sys.exit(f"rates: {' '.join(words)}: does not run")
                time.sleep(0.1)
            first, start = counted(work / "stats", place), time.monotonic()
            time.sleep(seconds)
            last, end = counted(work / "stats", place), time.monotonic()
        finally:
            process.terminate()
            process.wait()
    if last == first:
        sys.exit(f"rates: {' '.join(words)}: stands still")
    return (end - start) / (last - first) * 1e9


def int3_floor(build):
    """A breakpoint's way through the kernel and back, in the release build: only one instruction of it is ours."""
    run = subprocess.run([build / "release" / "sigsweep", "bench", "--benchmark_filter=BM_int3_floor",
                          "--benchmark_format=json"], check=True, capture_output=True, text=True)
    return json.loads(run.stdout)["benchmarks"][0]["real_time"]


def measure(build, seconds):
    for preset, _, _ in PRESETS:
        floor = int3_floor(build)
        for row in ROWS:
            print(json.dumps(dict(preset=preset, what=row[0], ns=round(ns_each(preset, build, seconds, row), 1),
                                  int3_floor=round(floor, 1))), flush=True)


def table(path):
    origin, *rows = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    for name, value in origin.items():
        print(f"{name + ':':<10}{value}")
    rounds = sum(row["preset"] == "fuzz" and row["what"] == TRIVIAL for row in rows)
    print(f"ns an input, medians of {rounds} rounds; onm_fuzzer; under the engine, mutations and all")
    good = True
    for preset, against, least in PRESETS:
        mine = [row for row in rows if row["preset"] == preset]
        ns = {row[0]: statistics.median(r["ns"] for r in mine if r["what"] == row[0]) for row in ROWS}
        floor = statistics.median(row["int3_floor"] for row in mine)
        best = ns[TRIVIAL] + (floor if "breakpoint" in against else 0)
        print(f"\n{preset}\n  {'a bare breakpoint (int3)':<26}{floor:>10.0f}")
        for what, value in ns.items():
            share = f"   {best / value:.2f} of the rate of {against}" if what.startswith("one") else ""
            print(f"  {what:<26}{value:>10.0f}{share}")
        if least is not None:
            holds = best / ns["one signal, direct"] >= least
            good = good and holds
            print(f"  {'holds' if holds else 'FAILS'}: direct at least {least:.2f}")
    return 0 if good else 1


if len(sys.argv) == 4 and sys.argv[1] == "measure":
    measure(pathlib.Path(sys.argv[2]).resolve(), float(sys.argv[3]))
elif len(sys.argv) == 3 and sys.argv[1] == "table":
    sys.exit(table(sys.argv[2]))
else:
    sys.exit(__doc__)
