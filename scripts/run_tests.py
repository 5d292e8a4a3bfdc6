#!/usr/bin/python3
"""run_tests.py [--full]: what protects a landing, for scripts/test: style, the builds of two presets, their tests.

--full runs all: every preset, every test, clang-tidy. scripts/test_sets.py says what is left to it, and why.
The last line is `N passed, N failed` or `N passed, N failed, N skipped`: the steps and the tests of ctest together.
Exit status: 0 all passed; 1 something failed; 2 usage; 3 a log can't be written.
"""

import concurrent.futures
import dataclasses
import itertools
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import typing
import xml.etree.ElementTree

sys.dont_write_bytecode = True  # beside the script
import junit
from test_sets import LANDING_TARGETS, PRESETS, only_full_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build/logs"
PYTHON = "/usr/bin/python3"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 10  # seconds that a step has to end when it must
MINUTE = 60
HOUR = 60 * MINUTE

# ---- the steps


@dataclasses.dataclass(frozen=True)
class Step:
    name: str
    command: list | typing.Callable  # words; or a function of the names of the steps that have passed
    limit: int  # seconds
    full: bool = False  # only with --full
    beside: bool = False  # it may run beside one neighbour
    needs: str = ""  # a step that must have passed
    without: str = ""  # the remark where that has not
    report: pathlib.Path | None = None  # ctest's, whose tests count too


def sets(passed):
    return [PYTHON, "scripts/test_sets.py", *(preset for preset in PRESETS if f"build-{preset}" in passed)]


def build(preset, full):
    script = 'source scripts/lib.sh; configure_and_build "$@"'
    return ["bash", "-euo", "pipefail", "-c", script, "test", preset, *([] if full else LANDING_TARGETS.get(preset, []))]


def report_of(preset):
    return LOGS / f"ctest-{preset}.xml"


def ctest(preset, full):
    left_out = "" if full else only_full_of(preset)
    return ["ctest", "--preset", preset, "--output-junit", str(report_of(preset)),
            *(["--exclude-regex", left_out] if left_out else [])]


def steps(full):
    """The limits are for what hangs: a step takes a part of its own, even on a slow machine."""
    presets = [preset for preset in PRESETS if full or only_full_of(preset) != ".*"]
    table = [
        Step("clang-format", [PYTHON, "scripts/style.py", "format"], 10 * MINUTE),
        Step("shellcheck", [PYTHON, "scripts/style.py", "shell"], 10 * MINUTE),
        Step("shape", [PYTHON, "scripts/shape.py"], 10 * MINUTE),
        Step("docs", [PYTHON, "docs/docs_test.py"], 10 * MINUTE),
        # Two at a time, since configuring and linking leave a processor idle.
        *[Step(f"build-{preset}", build(preset, full), 3 * HOUR, beside=True) for preset in presets],
        Step("test-sets", sets, 10 * MINUTE),
        *[Step(f"ctest-{preset}", ctest(preset, full), 3 * HOUR, needs=f"build-{preset}", without="the build failed",
               report=report_of(preset)) for preset in presets],
        Step("clang-tidy", [PYTHON, "scripts/style.py", "tidy"], 3 * HOUR, full=True, needs="build-release",
             without="the build of preset release failed"),
    ]
    return [step for step in table if full or not step.full]


# ---- running them


class Stopped(Exception):
    """By a signal."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


class Unwritable(Exception):
    """A log; the message says which, and why."""


class Ended(typing.NamedTuple):
    passed: bool
    seconds: int
    remark: str = ""


def send(process, number):
    """To a step and all that it has started: they are one process group."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def end(process, number):
    """Ends a step by a signal, and by force where that takes too long. What the step has left behind goes too."""
    send(process, number)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass
    send(process, signal.SIGKILL)
    process.wait()


class Runner:
    """Runs steps in their order, prints a line each, and counts."""

    def __init__(self, logs):
        self.logs = logs
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.lines = []  # to be printed again at the end
        self.good = set()  # names of the steps that have passed
        self.lock = threading.Lock()  # of the two below
        self.running = set()
        self.stopped_by = None  # the number of a signal

    def log_of(self, step):
        return self.logs / f"step-{step.name}.log"

    def say(self, line):
        self.lines.append(line)
        print(line, flush=True)

    def start(self, words, log):
        """None where no step is to begin any more."""
        with self.lock:
            if self.stopped_by:
                return None
            process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)  # so that end() reaches all of it
            self.running.add(process)
            return process

    def run(self, step):
        """Runs one with its output in its log."""
        if step.report:
            step.report.unlink(missing_ok=True)
        begin = time.monotonic()
        remark = ""
        words = step.command(self.good) if callable(step.command) else step.command
        try:
            log = open(self.log_of(step), "wb")
        except OSError as error:
            raise Unwritable(f"{self.log_of(step)}: cannot be written") from error
        with log:
            try:
                process = self.start(words, log)
            except OSError as error:
                log.write(f"test: {error}\n".encode())
                return Ended(False, 0)
            if process is None:
                return Ended(False, 0, "not run: stopped")
            try:
                process.wait(step.limit)
            except subprocess.TimeoutExpired:
                end(process, signal.SIGTERM)
                remark = f"no end within {step.limit} s"
        with self.lock:
            self.running.discard(process)
        return Ended(process.returncode == 0 and not remark, int(time.monotonic() - begin), remark)

    def record(self, step, ended):
        """Counts a step and prints its line; and its log, if it ran and failed."""
        if ended.passed:
            self.passed += 1
            self.good.add(step.name)
        else:
            self.failed += 1
        word = "pass" if ended.passed else "FAIL"
        self.say(f"{word:<4}  {step.name:<14} {ended.seconds:5d} s" + (f"  {ended.remark}" if ended.remark else ""))
        if not ended.passed and not ended.remark.startswith("not run"):
            for line in self.log_of(step).read_text(encoding="utf-8", errors="replace").splitlines():
                print(f"    {line}", flush=True)

    def count(self, step):
        """Adds ctest's own numbers, and names the tests that did not run, and why."""
        if not step.report.exists() or step.report.stat().st_size == 0:
            return  # ctest itself failed: the step has been counted as such
        try:
            tests, failures, reasons = junit.read(step.report)
        except xml.etree.ElementTree.ParseError as error:
            self.failed += 1
            self.say(f"FAIL  {step.name}: {step.report}: {error}")
            return
        self.passed += tests - failures - len(reasons)
        self.failed += failures
        self.skipped += len(reasons)
        for reason in reasons:
            self.say(f"skip  {step.name.removeprefix('ctest-')}: {reason}")

    def run_group(self, group):
        """Two at a time; the ends of all."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            ended = [pool.submit(self.run, step) for step in group]
            while concurrent.futures.wait(ended, timeout=1).not_done:
                pass  # a signal that came just before the wait is handled now
        if self.stopped_by:
            raise Stopped(self.stopped_by)
        return [done.result() for done in ended]

    def group(self, group):
        """Runs steps that may run at once; records them in their order, when all have ended."""
        lost = [step for step in group if step.needs and step.needs not in self.good]
        rest = [step for step in group if step not in lost]
        for step in lost:
            self.record(step, Ended(False, 0, f"not run: {step.without}"))
        for step, ended in zip(rest, self.run_group(rest)):
            self.record(step, ended)
            if step.report:
                self.count(step)

    def stop(self, number, _frame):
        """A signal's handler: ends what runs by that signal, and begins nothing any more. Takes no other signal. It runs
        in the main thread, which never holds the lock elsewhere, and raises nothing, so it may come at any time."""
        catch(SIGNALS, signal.SIG_IGN)
        with self.lock:
            self.stopped_by = number
            running = list(self.running)
        for process in running:
            send(process, number)
        for process in running:
            end(process, number)

    def all(self, table):
        for beside, neighbours in itertools.groupby(table, key=lambda step: step.beside):
            for group in [list(neighbours)] if beside else [[step] for step in neighbours]:
                self.group(group)

    def summary(self, full):
        print()
        print("".join(line + "\n" for line in self.lines), end="")
        sets = self.logs / "step-test-sets.log"
        if not full and sets.exists():
            lines = sets.read_text(encoding="utf-8", errors="replace").splitlines()
            print("".join(line + "\n" for line in lines if line.startswith("full ")), end="")
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{skipped}", flush=True)
        return 1 if self.failed else 0


def processors():
    return len(os.sched_getaffinity(0))


def catch(numbers, handler):
    """Those that are ignored, as in the background of a shell, stay so."""
    for number in numbers:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def run_all(table, full, logs=LOGS):
    """Exit status; a signal ends what runs, and then this program."""
    runner = Runner(logs)
    try:
        catch(SIGNALS, runner.stop)
        logs.mkdir(parents=True, exist_ok=True)
        runner.all(table)
        return runner.summary(full)
    except Stopped as stopped:
        signal.signal(stopped.number, signal.SIG_DFL)
        signal.raise_signal(stopped.number)
    except (Unwritable, OSError) as error:
        print(f"test: {error}", file=sys.stderr)
        return 3


def main(arguments):
    os.chdir(ROOT)
    for argument in arguments:
        if argument != "--full":
            print(f"test: unknown argument: {argument} (allowed: --full)", file=sys.stderr)
            return 2
    full = "--full" in arguments
    os.environ["CMAKE_BUILD_PARALLEL_LEVEL"] = str(processors())
    return run_all(steps(full), full)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
