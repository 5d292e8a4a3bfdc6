#!/usr/bin/python3
"""How many inputs hazard_fuzzer needs to show each verdict, by engine and by uniformly random inputs.

hunt.py run ENGINE SOURCE SEED FUZZER [LIBRARY]  one run from an empty corpus, as a JSON line on standard output
hunt.py table FILE                               the medians of such lines; the first line describes machine and build

ENGINE: libfuzzer, afl (its FUZZER is AFL++'s, LIBRARY the mutator), random. SOURCE: as for SIGSWEEP_INJECT.
The choice of inputs does not depend on the hunted verdict, so one run tells of all verdicts. A hazard may destroy the
process. Then another one goes on from the same corpus, under another seed, within the same limits.
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

EXECS, SECONDS = 100_000, 60  # at most, of a run
ENGINES = ("libfuzzer", "afl", "random")


def command(engine, fuzzer, library, work, seed, execs, seconds):
    corpus = work / "corpus"
    corpus.mkdir(exist_ok=True)
    if engine == "random":
        return [fuzzer, "--random", str(execs), str(seed)]
    if engine == "libfuzzer":
        return [fuzzer, f"-runs={execs}", f"-max_total_time={seconds}", f"-seed={seed}",
                f"-artifact_prefix={work}/", str(corpus)]
    (corpus / "one").write_bytes(b"\0")  # AFL++ needs at least one byte
    os.environ.update(AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1", AFL_SKIP_CPUFREQ="1", AFL_NO_AFFINITY="1",
                      AFL_NO_UI="1", AFL_CUSTOM_MUTATOR_LIBRARY=library, AFL_CUSTOM_MUTATOR_ONLY="1")
    return ["afl-fuzz", "-s", str(seed), "-E", str(execs), "-V", str(seconds), "-t", "20000", "-m", "none",
            "-i", str(corpus), "-o", str(work / f"afl-{seed}"), "--", fuzzer]


def execs_in(folder):
    return sum(struct.unpack_from("=Q", path.read_bytes())[0] for path in folder.iterdir())


def run(engine, source, seed, fuzzer, library=""):
    start, execs, found, processes = time.monotonic(), 0, {}, 0
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        while execs < EXECS and time.monotonic() - start < SECONDS:
            first, stats = work / f"first-{processes}", work / f"stats-{processes}"
            stats.mkdir()
            first.touch()
            env = dict(SIGSWEEP_INJECT=source, SIGSWEEP_FIRST=str(first), SIGSWEEP_STATS=str(stats))
            left = SECONDS - (time.monotonic() - start)
            words = command(engine, fuzzer, library, work, int(seed) + 1000 * processes, EXECS - execs, max(1, round(left)))
            try:
                subprocess.run(words, env=os.environ | env, cwd=work, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=left + 30, check=False)
            except subprocess.TimeoutExpired:
                pass
            for line in first.read_text().split("\n")[:-1]:
                verdict, number = line.split()
                found[verdict] = min(found.get(verdict, EXECS + 1), execs + int(number))
            ran = execs_in(stats)
            if ran == 0 and processes > 20:
                sys.exit(f"hunt: {engine}: nothing runs")
            execs += ran
            processes += 1
    print(json.dumps(dict(engine=engine, source=source, seed=int(seed), execs=execs, processes=processes,
                          seconds=round(time.monotonic() - start, 1), found=found)), flush=True)


def cell(rows, verdict):
    """The median of all runs. A run that did not find it counts as one that needs more than all others."""
    numbers = [row["found"].get(verdict, float("inf")) for row in rows]
    hits = sum(number != float("inf") for number in numbers)
    if hits == 0:
        return "-"
    median = statistics.median_low(numbers) if hits > len(numbers) / 2 else float("inf")
    text = "more" if median == float("inf") else f"{median}"
    return text if hits == len(rows) else f"{text} ({hits} of {len(rows)})"


def table(path):
    origin, *rows = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    for name, value in origin.items():
        print(f"{name + ':':<10}{value}")
    print(f"inputs until the first of a verdict, the median of 10 seeds; at most {EXECS} and {SECONDS} s a run\n")
    verdicts = sorted({verdict for row in rows for verdict in row["found"]} - {"ok"},
                      key=lambda v: min(row["found"].get(v, EXECS) for row in rows))
    for source in sorted({row["source"] for row in rows}, reverse=True):
        cells = {engine: [row for row in rows if (row["engine"], row["source"]) == (engine, source)] for engine in ENGINES}
        print(f"by {source:<16}" + "".join(f"{engine:>22}" for engine in ENGINES))
        for verdict in verdicts:
            print(f"{verdict:<19}" + "".join(f"{cell(cells[engine], verdict):>22}" for engine in ENGINES))
        for name in ("execs", "seconds", "processes"):
            print(f"{'median ' + name:<19}" + "".join(
                f"{statistics.median(row[name] for row in cells[engine]):>22}" if cells[engine] else f"{'none':>22}"
                for engine in ENGINES))
        print()


if len(sys.argv) > 2 and sys.argv[1] == "run":
    run(*sys.argv[2:])
elif len(sys.argv) == 3 and sys.argv[1] == "table":
    table(sys.argv[2])
else:
    sys.exit(__doc__)
