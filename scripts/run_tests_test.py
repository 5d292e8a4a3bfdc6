#!/usr/bin/python3
"""Tests of run_tests.py by steps that are not the project's: what is printed, counted, kept and returned of steps that
pass, fail, are skipped or hang; an interrupt; and the table of the real steps."""

import contextlib
import io
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True  # beside the script
import run_tests
import test_sets
from run_tests import Step

REPORT = """<testsuite>
<testcase name="Passes" status="run"/><testcase name="Also" status="run"/>
<testcase name="Fails" status="fail"/>
<testcase name="Skips" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out>no zip here</system-out></testcase>
</testsuite>
"""


def shell(script, *words):
    return ["bash", "-c", script, "bash", *map(str, words)]


def seconds_off(text):
    """Of the lines of steps: name and seconds stand in columns."""
    return re.sub(r"^(pass|FAIL)  (.{14}) [ \d]{4}\d s", r"\1  \2 N s", text, flags=re.MULTILINE)


class Held:
    """A pipe that the processes of a step hold open: each step writes a line, and the pipe ends when all have ended."""

    SECONDS = 60  # after which nothing is expected any more

    def __init__(self, case):
        self.path = case.work / "held"
        os.mkfifo(self.path)
        self.end = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        case.addCleanup(os.close, self.end)
        case.addCleanup(os.unlink, self.path)

    def read(self):
        """Empty: all have ended; None: nobody writes."""
        return os.read(self.end, 1) if select.select([self.end], [], [], self.SECONDS)[0] else None

    def wait_for_lines(self, count):
        while count > 0:
            got = self.read()
            if not got:
                raise AssertionError(f"{count} more steps should have begun")
            count -= got == b"\n"

    def has_ended(self):
        return self.read() == b""


class Case(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.work = pathlib.Path(work.name)
        for number in run_tests.SIGNALS:
            self.addCleanup(signal.signal, number, signal.getsignal(number))

    def ran(self, *table, full=True):
        """Status, and what is printed."""
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
            status = run_tests.run_all(list(table), full, self.work / "logs")
        return status, seconds_off(said.getvalue())

    def log(self, name):
        return (self.work / "logs" / f"step-{name}.log").read_text()


class Steps(Case):
    def test_a_step_that_passes(self):
        self.assertEqual(self.ran(Step("good", shell("echo out; echo error >&2"), 60)),
                         (0, "pass  good           N s\n\npass  good           N s\n1 passed, 0 failed\n"))
        self.assertEqual(self.log("good"), "out\nerror\n")

    def test_a_step_that_fails_shows_its_log_and_the_next_one_runs(self):
        status, said = self.ran(Step("bad", shell("echo out; echo error >&2; exit 3"), 60), Step("good", ["true"], 60))
        self.assertEqual(status, 1)
        self.assertEqual(said, "FAIL  bad            N s\n    out\n    error\npass  good           N s\n\n"
                               "FAIL  bad            N s\npass  good           N s\n1 passed, 1 failed\n")

    def test_a_step_without_its_program_has_failed(self):
        status, said = self.ran(Step("gone", ["/nowhere/program"], 60))
        self.assertEqual(status, 1)
        self.assertIn("/nowhere/program", said)
        self.assertTrue(said.endswith("0 passed, 1 failed\n"), said)

    def test_a_step_that_ends_by_a_signal_has_failed(self):
        self.assertEqual(self.ran(Step("killed", shell("kill -9 $$"), 60))[0], 1)

    def test_a_step_reads_nothing(self):
        self.assertEqual(self.ran(Step("reads", shell("! read -r"), 60))[0], 0)

    def test_a_step_that_needs_another_one(self):
        lost = Step("tests", shell("touch $1", self.work / "ran"), 60, needs="build", without="the build failed")
        status, said = self.ran(Step("build", ["false"], 60), lost)
        self.assertEqual(status, 1)
        self.assertIn("FAIL  tests          N s  not run: the build failed\n", said)
        self.assertTrue(said.endswith("0 passed, 2 failed\n"), said)
        self.assertFalse((self.work / "ran").exists())
        self.assertEqual(self.ran(Step("build", ["true"], 60), lost)[0], 0)
        self.assertTrue((self.work / "ran").exists())

    def test_a_command_is_told_what_has_passed(self):
        self.ran(Step("good", ["true"], 60), Step("bad", ["false"], 60),
                 Step("sets", lambda passed: ["echo", *sorted(passed)], 60))
        self.assertEqual(self.log("sets"), "good\n")

    def test_what_is_left_to_full_is_told_at_the_end_of_a_landing(self):
        table = [Step("test-sets", ["echo", "full  gcc: .*, all tests: why"], 60)]
        self.assertTrue(self.ran(*table, full=False)[1].endswith("N s\nfull  gcc: .*, all tests: why\n1 passed, 0 failed\n"))
        self.assertTrue(self.ran(*table, full=True)[1].endswith("N s\n1 passed, 0 failed\n"))

    def test_two_steps_run_side_by_side_and_are_told_in_their_order(self):
        one, other = self.work / "one", self.work / "other"
        os.mkfifo(one), os.mkfifo(other)
        # Each waits for the other, so one after the other they would not end. The first is the last to end.
        status, said = self.ran(Step("first", shell("echo >$1; read -r <$2", one, other), 20, beside=True),
                                Step("second", shell("read -r <$1; echo >$2", one, other), 20, beside=True),
                                Step("third", ["true"], 60, beside=True))
        self.assertEqual(status, 0)
        self.assertEqual(re.findall(r"pass  (\w+)", said), ["first", "second", "third"] * 2)

    def test_a_log_that_cannot_be_written(self):
        (self.work / "logs/step-good.log").mkdir(parents=True)
        status, said = self.ran(Step("good", ["true"], 60))
        self.assertEqual((status, said), (3, f"test: {self.work}/logs/step-good.log: cannot be written\n"))


class Reports(Case):
    def step(self, script):
        report = self.work / "report.xml"
        return Step("ctest-release", shell(script, report, REPORT), 60, report=report)

    def test_its_tests_count_and_those_that_were_skipped_are_named(self):
        status, said = self.ran(self.step('printf %s "$2" >$1'))
        self.assertEqual(status, 1)  # for the test that failed
        self.assertEqual(said, "pass  ctest-release  N s\nskip  release: Skips: no zip here\n\n"
                               "pass  ctest-release  N s\nskip  release: Skips: no zip here\n3 passed, 1 failed, 1 skipped\n")

    def test_a_report_of_an_earlier_run_does_not_count(self):
        (self.work / "report.xml").write_text(REPORT)
        self.assertEqual(self.ran(self.step("exit 8")),
                         (1, "FAIL  ctest-release  N s\n\nFAIL  ctest-release  N s\n0 passed, 1 failed\n"))

    def test_a_report_that_cannot_be_read_is_a_failure(self):
        status, said = self.ran(self.step("echo '<testsuite>' >$1"))
        self.assertEqual(status, 1)
        self.assertTrue(said.endswith("1 passed, 1 failed\n"), said)


class Hangs(Case):
    def ran_into_its_limit(self, grace, script):
        """Of a script that first writes a line to descriptor 7; its limit begins then. Status, output, has all ended?"""
        held, start = Held(self), run_tests.Runner.start

        def start_and_listen(runner, words, log):
            process = start(runner, words, log)
            if words[0] == "bash":
                held.wait_for_lines(1)
            return process

        hangs = Step("hangs", shell(f"exec 7>$1; {script}", held.path), 0)
        with mock.patch.object(run_tests.Runner, "start", start_and_listen), mock.patch.object(run_tests, "GRACE", grace):
            status, said = self.ran(hangs, Step("good", ["true"], 60))
        return status, said, held.has_ended()

    FAILS = "FAIL  hangs          N s  no end within 0 s\n"
    SAID = f"{FAILS}pass  good           N s\n\n{FAILS}pass  good           N s\n1 passed, 1 failed\n"

    def test_it_is_ended_with_all_that_it_has_started(self):
        script = "sleep 1000 & echo >&7; wait"
        self.assertEqual(self.ran_into_its_limit(60, script), (1, self.SAID, True))

    def test_by_force_where_it_heeds_no_signal(self):
        script = "trap '' TERM; sleep 1000 & echo >&7; wait"
        self.assertEqual(self.ran_into_its_limit(0, script), (1, self.SAID, True))

    def test_it_has_failed_whatever_its_status(self):
        script = "trap 'exit 0' TERM; sleep 1000 & echo >&7; wait"
        self.assertEqual(self.ran_into_its_limit(60, script), (1, self.SAID, True))


class Interrupts(Case):
    # A program that runs two steps, of which each tells a pipe when it runs, and a third one.
    PROGRAM = """
import pathlib, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import run_tests
from run_tests import Step
work = pathlib.Path(sys.argv[2])
run_tests.GRACE = 0
def step(name, beside=True):
    return Step(name, ["bash", "-c", f"exec 7>{work}/held; {sys.argv[3]}sleep 1000 & echo >&7; wait"], 600, beside=beside)
table = [step("one"), step("two"), Step("three", ["touch", str(work / "three")], 60, beside=True)]
if sys.argv[4] == "alone":
    table = [step("one", False), Step("three", ["touch", str(work / "three")], 60)]
sys.exit(run_tests.run_all(table, True, work / "logs"))
"""

    def interrupted(self, number, how="", steps="beside"):
        """Of a program that is sent a signal when its steps run: its status and output; have they all ended?"""
        held = Held(self)
        words = [run_tests.PYTHON, "-c", self.PROGRAM, str(pathlib.Path(run_tests.__file__).parent), str(self.work), how,
                 steps]
        program = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        held.wait_for_lines(2 if steps == "beside" else 1)
        program.send_signal(number)
        said = program.communicate(timeout=60)[0]
        self.assertFalse((self.work / "three").exists())
        return program.returncode, said, held.has_ended()

    def test_ctrl_c_ends_all_that_runs_and_the_program(self):
        self.assertEqual(self.interrupted(signal.SIGINT), (-signal.SIGINT, "", True))

    def test_sigterm_does_too(self):
        self.assertEqual(self.interrupted(signal.SIGTERM), (-signal.SIGTERM, "", True))

    def test_of_a_step_alone(self):
        self.assertEqual(self.interrupted(signal.SIGINT, steps="alone"), (-signal.SIGINT, "", True))

    def test_of_steps_that_heed_no_signal(self):
        self.assertEqual(self.interrupted(signal.SIGINT, how="trap '' INT; "), (-signal.SIGINT, "", True))


class Table(unittest.TestCase):
    def names(self, full):
        return [step.name for step in run_tests.steps(full)]

    def test_a_landing(self):
        self.assertEqual(self.names(False), ["clang-format", "shellcheck", "shape", "docs", "build-release", "build-fuzz",
                                             "test-sets", "ctest-release", "ctest-fuzz"])

    def test_all(self):
        presets = ["release", "gcc", "asan", "tsan", "fuzz", "afl"]
        self.assertEqual(self.names(True), ["clang-format", "shellcheck", "shape", "docs",
                                            *[f"build-{preset}" for preset in presets], "test-sets",
                                            *[f"ctest-{preset}" for preset in presets], "clang-tidy"])

    def test_a_landing_leaves_out_what_the_sets_say(self):
        by_name = {step.name: step.command for step in run_tests.steps(False)}
        self.assertEqual(by_name["ctest-fuzz"][-2:], ["--exclude-regex", test_sets.only_full_of("fuzz")])
        self.assertIn(r"^malloc_fuzzer\.short$|^Pairs", test_sets.only_full_of("fuzz"))
        self.assertEqual(by_name["build-fuzz"][-2:], ["fuzz", "tests"])
        self.assertEqual(by_name["ctest-release"][-2:], ["--exclude-regex", test_sets.only_full_of("release")])
        self.assertIn(r"^machines\.slurm$|", test_sets.only_full_of("release"))
        full = {step.name: step.command for step in run_tests.steps(True)}
        self.assertNotIn("--exclude-regex", full["ctest-fuzz"])
        self.assertEqual(full["build-fuzz"][-1], "fuzz")

    def test_every_need_is_a_step_before(self):
        for full in (False, True):
            names = self.names(full)
            for step in run_tests.steps(full):
                if step.needs:
                    self.assertLess(names.index(step.needs), names.index(step.name))

    def test_the_sets_are_counted_in_what_is_built(self):
        self.assertEqual(run_tests.sets({"docs", "build-fuzz"})[2:], ["fuzz"])

    def test_usage(self):
        with contextlib.redirect_stderr(io.StringIO()) as said, mock.patch.object(run_tests, "run_all") as ran:
            self.assertEqual(run_tests.main(["--full", "--fast"]), 2)
        ran.assert_not_called()
        self.assertEqual(said.getvalue(), "test: unknown argument: --fast (allowed: --full)\n")


class Sets(Case):
    def counted(self, total):
        """Status and lines, with a ctest that finds so many tests."""
        (self.work / "ctest").write_text(f"#!/bin/sh\necho 'Total Tests: {total}'\n")
        (self.work / "ctest").chmod(0o755)
        ended = subprocess.run([run_tests.PYTHON, test_sets.__file__, "fuzz"], stdout=subprocess.PIPE, text=True,
                               check=False, env=os.environ | {"PATH": f"{self.work}:{os.environ['PATH']}"})
        return ended.returncode, ended.stdout

    def test_every_pattern_is_told(self):
        status, said = self.counted(5)
        self.assertEqual(status, 0)
        self.assertIn("full  gcc: .*, all tests: a second compiler for the same tests\n", said)
        self.assertIn(r"full  fuzz: ^malloc_fuzzer\.short$, 5 tests: 12 s of a processor", said)
        self.assertEqual(len(said.splitlines()), len(test_sets.ONLY_FULL))

    def test_one_that_matches_nothing_has_lost_its_test(self):
        self.assertEqual(self.counted(0)[0], 1)


if __name__ == "__main__":
    unittest.main()
