#!/usr/bin/python3
"""Runs the storms of the stress report, and has `sigsweep report` make its page.

    measure.py PREFIX    writes PREFIX.jsonl, the lines of all runs, and PREFIX.md with its charts
    measure.py --plan    prints the command of each run on this machine, in their order, and runs nothing

Exit status: 0 every figure that must hold does; 1 one does not; 2 usage; 3 a run fails, or its lines are not valid.
"""

import dataclasses
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys

VALIDATE = pathlib.Path(__file__).resolve().parents[2] / "results/validate.py"
BUILD = pathlib.Path("build/release")
LINES = pathlib.Path("build/logs/storm.jsonl")  # of all runs
ONE, OUTPUT = pathlib.Path("build/logs/one.jsonl"), pathlib.Path("build/logs/one.out")  # of the last one

MOST_MS = 64  # of a storm
COUNTS = (1, 2, 4, 8)  # of Ms, beside one M a core
RATES = (0, 1000, 5000, 10000, 50000)  # signals a second and M
ROUNDS = 6  # so many repetitions have an error (stress/host/storm_figures.h)
CLEAN = 10000  # signals a second, of all Ms
FAST = 50000  # signals a second and M
SOURCES = ("itimer", "timer", "kill", "flood", "sigqueue")


class Failure(Exception):
    """There is no report; the message says why."""


@dataclasses.dataclass(frozen=True)
class Storm:
    said: str  # of this run and its neighbours
    duration: str
    ms: int | None = None
    rate: int | None = None
    hold: bool = False
    source: str = "timer"
    protocol: str | None = None
    mix: str | None = None

    def flags(self):
        named = {"protocol": self.protocol, "mix": self.mix, "ms": self.ms, "rate": self.rate}
        words = [word for name, value in named.items() if value is not None for word in (f"--{name}", str(value))]
        return [*words, *(["--hold-rate"] if self.hold else []), "--source", self.source, "--duration", self.duration]

    def command(self):
        return [str(BUILD / "sigsweep"), "storm", "--json", str(ONE), *self.flags()]

    def failure(self, status):
        return f"sigsweep storm {' '.join(self.flags())} ended with status {status}"


@dataclasses.dataclass(frozen=True)
class Bare:
    """The same timers in a program without the project."""

    said: str
    seconds: int
    ms: int
    rate: int
    timers: int

    def command(self):
        return [str(BUILD / "bare_timers"), *map(str, (self.ms, self.rate, self.seconds, self.timers))]

    def failure(self, status):
        return f"bare_timers failed with status {status}"


@dataclasses.dataclass(frozen=True)
class Sweep:
    said: str
    protocol: str
    sites: str

    def command(self):
        return [str(BUILD / "sigsweep"), "sweep", "--protocol", self.protocol, "--site", self.sites, "--handler", "all",
                "--json", str(ONE)]

    def failure(self, status):
        return f"the sweep failed with status {status}"


def in_turn(values, turn):
    """Forwards and backwards in turns, so that what drifts adds as much to the one as to the other."""
    return values if turn % 2 == 0 else values[::-1]


def loads(cores):
    """Every rate on every number of Ms, in rounds; on one M a core, side by side with what the machine can do."""
    for ms in COUNTS if cores in COUNTS else (*COUNTS, cores):
        for turn in range(ROUNDS):
            for rate in in_turn(RATES, turn):
                said = f"{ms} Ms, up to {RATES[-1]} signals a second and M: {ROUNDS} rounds"
                yield Storm(said, "1s", ms=ms, rate=rate)
                if ms == cores:
                    yield from (Bare(said, 1, ms=ms, rate=rate, timers=timers) for timers in ((1, 4) if rate else (1,)))


def rounds(cores):
    """What must hold, in many short rounds: other work on the machine takes a third of a processor for seconds."""
    said = f"one M a core, without signals and with {CLEAN} a second: 50 rounds"
    for turn in range(1, 51):
        for rate in in_turn((0, CLEAN // cores), turn):
            yield Storm(said, "500ms", ms=cores, rate=rate)


def held(cores):
    said = f"one M a core, with {FAST} a second for each M: 10 rounds"
    for _ in range(10):
        yield Storm(said, "2s", ms=cores, rate=FAST, hold=True)
        yield Storm(said, "2s", ms=cores, rate=0)


def hazards():
    for source in SOURCES:
        yield Storm(f"the first clobbering by {source}", "1s", source=source, protocol="signalok_raw", mix="slots")
    yield Sweep("the same hazard in the exact lane", "signalok_raw", "mcacheRefill_m,gc_m")


def plan(cores):
    """All runs, in their order, on a machine with so many processors."""
    cores = min(cores, MOST_MS)
    return [*loads(cores), *rounds(cores), *held(cores), *hazards()]


def lines_of(run):
    """What a run adds to the lines. bare_timers prints its own; the others write them."""
    bare = isinstance(run, Bare)
    with open(OUTPUT, "wb") as output:
        ended = subprocess.run(run.command(), stdout=subprocess.PIPE if bare else output,
                               stderr=None if bare else output, check=False)
    if ended.returncode != 0:
        sys.stderr.write(OUTPUT.read_text(encoding="utf-8", errors="replace"))
        raise Failure(run.failure(ended.returncode))
    return ended.stdout if bare else ONE.read_bytes()


def measure(prefix, runs):
    said = None
    with open(LINES, "wb") as lines:
        for run in runs:
            if run.said != said:
                said = run.said
                print(said, file=sys.stderr, flush=True)
            lines.write(lines_of(run))
            lines.flush()
    if subprocess.run([sys.executable, VALIDATE, LINES], stdout=sys.stderr, check=False).returncode != 0:
        raise Failure(f"{LINES}: not valid")
    shutil.copyfile(LINES, f"{prefix}.jsonl")
    report = [str(BUILD / "sigsweep"), "report", f"{prefix}.jsonl", "--markdown", f"{prefix}.md"]
    return subprocess.run(report, check=False).returncode


def main(arguments):
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches the run too
    runs = plan(len(os.sched_getaffinity(0)))
    match arguments:
        case ["--plan"]:
            print("".join(shlex.join(run.command()) + "\n" for run in runs), end="")
            return 0
        case [prefix] if not prefix.startswith("-"):
            try:
                return measure(prefix, runs)
            except (Failure, OSError) as failure:
                print(f"stress: {failure}", file=sys.stderr)
                return 3
    print(__doc__.strip(), file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
