#!/usr/bin/python3
"""How many inputs hazard_fuzzer needs to show each verdict, by engine and by uniformly random inputs.

hunt.py measure BUILD PREFIX                     all runs, by the builds under BUILD: adds a line each to PREFIX.jsonl,
                                                 writes PREFIX.txt, the medians, and prints it
hunt.py run ENGINE SOURCE SEED FUZZER [LIBRARY]  one run from an empty corpus, as a JSON line on standard output
hunt.py table FILE                               the medians of such lines; the first line describes machine and build

ENGINE: libfuzzer, afl (its FUZZER is AFL++'s, LIBRARY the mutator), random. SOURCE: as for SIGSWEEP_INJECT.
The choice of inputs does not depend on the hunted verdict, so one run tells of all verdicts. A hazard may destroy the
process. Then another one goes on from the same corpus, under another seed, within the same limits.
Exit status: 0; 2 usage; 3 a run can't be had.
"""
import concurrent.futures
import json
import os
import pathlib
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

EXECS, SECONDS = 100_000, 60  # at most, of a run
ENGINES = ("libfuzzer", "afl", "random")
SOURCES = ("kill", "itimer")  # a lane each, side by side
SEEDS = range(1, 11)
PRESETS = {"afl": "afl"}  # whose hazard_fuzzer an engine runs; all others: fuzz
stopped = threading.Event()  # no lane goes on


class Failure(Exception):
    """A run can't be had; the message says why."""


def environment(engine, library):
    """What the engine reads beside its command line."""
    if engine != "afl":
        return {}
    return dict(AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1", AFL_SKIP_CPUFREQ="1", AFL_NO_AFFINITY="1", AFL_NO_UI="1",
                AFL_CUSTOM_MUTATOR_LIBRARY=library, AFL_CUSTOM_MUTATOR_ONLY="1")


def command(engine, fuzzer, work, seed, execs, seconds):
    corpus = work / "corpus"
    corpus.mkdir(exist_ok=True)
    if engine == "random":
        return [fuzzer, "--random", str(execs), str(seed)]
    if engine == "libfuzzer":
        return [fuzzer, f"-runs={execs}", f"-max_total_time={seconds}", f"-seed={seed}",
                f"-artifact_prefix={work}/", str(corpus)]
    (corpus / "one").write_bytes(b"\0")  # AFL++ needs at least one byte
    return ["afl-fuzz", "-s", str(seed), "-E", str(execs), "-V", str(seconds), "-t", "20000", "-m", "none",
            "-i", str(corpus), "-o", str(work / f"afl-{seed}"), "--", fuzzer]


def execs_in(folder):
    return sum(struct.unpack_from("=Q", path.read_bytes())[0] for path in folder.iterdir())


def run(engine, source, seed, fuzzer, library=""):
    start, execs, found, processes = time.monotonic(), 0, {}, 0
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        while execs < EXECS and time.monotonic() - start < SECONDS and not stopped.is_set():
            first, stats = work / f"first-{processes}", work / f"stats-{processes}"
            stats.mkdir()
            first.touch()
            env = environment(engine, library) | dict(SIGSWEEP_INJECT=source, SIGSWEEP_FIRST=str(first),
                                                     SIGSWEEP_STATS=str(stats))
            left = SECONDS - (time.monotonic() - start)
            words = command(engine, fuzzer, work, int(seed) + 1000 * processes, EXECS - execs, max(1, round(left)))
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
                raise Failure(f"{engine}: nothing runs")
            execs += ran
            processes += 1
    return dict(engine=engine, source=source, seed=int(seed), execs=execs, processes=processes,
                seconds=round(time.monotonic() - start, 1), found=found)


def log_of(build, source):
    return build / "logs" / f"hunt-{source}.jsonl"


def lane(build, source, one):
    """All runs of one source, engine after engine and seed after seed; a line each in its log. `one`: as run()."""
    with open(log_of(build, source), "w", encoding="utf-8") as log:
        for seed in SEEDS:
            for engine in ENGINES:
                print(f"{engine}, by {source}, seed {seed}", file=sys.stderr, flush=True)
                fuzzer = build / PRESETS.get(engine, "fuzz") / "hazard_fuzzer"
                row = one(engine, source, seed, str(fuzzer), str(build / "afl" / "libafl_mutator.so"))
                if stopped.is_set():  # perhaps within this run
                    return
                print(json.dumps(row), file=log, flush=True)


def measure(build, prefix, one=run):
    """All lanes at once; their rows become results, lane after lane, if every run could be had."""
    build = pathlib.Path(build).resolve()
    stopped.clear()
    with concurrent.futures.ThreadPoolExecutor(len(SOURCES)) as pool:
        lanes = [pool.submit(lane, build, source, one) for source in SOURCES]
        try:
            concurrent.futures.wait(lanes, return_when=concurrent.futures.FIRST_EXCEPTION)
        finally:  # one has failed, or Ctrl-C has ended the engines: none is begun anew
            stopped.set()
    for done in lanes:
        done.result()
    with open(f"{prefix}.jsonl", "a", encoding="utf-8") as file:
        file.writelines(log_of(build, source).read_text(encoding="utf-8") for source in SOURCES)
    text = table(f"{prefix}.jsonl")
    pathlib.Path(f"{prefix}.txt").write_text(text, encoding="utf-8")
    print(text, end="")


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
    """The text to print."""
    origin, *rows = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    lines = [f"{name + ':':<10}{value}" for name, value in origin.items()]
    lines.append(f"inputs until the first of a verdict, the median of 10 seeds; at most {EXECS} and {SECONDS} s a run\n")
    verdicts = sorted({verdict for row in rows for verdict in row["found"]} - {"ok"},
                      key=lambda v: min(row["found"].get(v, EXECS) for row in rows))
    for source in sorted({row["source"] for row in rows}, reverse=True):
        cells = {engine: [row for row in rows if (row["engine"], row["source"]) == (engine, source)] for engine in ENGINES}
        lines.append(f"by {source:<16}" + "".join(f"{engine:>22}" for engine in ENGINES))
        for verdict in verdicts:
            lines.append(f"{verdict:<19}" + "".join(f"{cell(cells[engine], verdict):>22}" for engine in ENGINES))
        for name in ("execs", "seconds", "processes"):
            lines.append(f"{'median ' + name:<19}" + "".join(
                f"{statistics.median(row[name] for row in cells[engine]):>22.1f}" if cells[engine] else f"{'none':>22}"
                for engine in ENGINES))
        lines.append("")
    return "".join(line + "\n" for line in lines)


def main(arguments):
    try:
        match arguments:
            case ["measure", build, prefix]:
                measure(build, prefix)
            case ["run", engine, source, seed, fuzzer, *library] if len(library) <= 1:
                print(json.dumps(run(engine, source, seed, fuzzer, *library)), flush=True)
            case ["table", path]:
                print(table(path), end="")
            case _:
                print(__doc__.strip(), file=sys.stderr)
                return 2
    except (Failure, OSError) as failure:
        print(f"hunt: {failure}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:  # die of it, without a trace
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
