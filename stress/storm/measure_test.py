#!/usr/bin/python3
"""Tests of measure.py: the plan of the stress report's runs, without a storm; and what is made of their lines."""

import contextlib
import io
import itertools
import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # beside the script
import measure
from measure import Bare, Storm, Sweep


def storms(runs, **columns):
    return [run for run in runs if isinstance(run, Storm)
            and all(getattr(run, name) == value for name, value in columns.items())]


def is_bare(run):
    return isinstance(run, Bare)


class Plan(unittest.TestCase):
    def test_six_rounds_of_every_rate_on_every_number_of_ms(self):
        rates = [0, 1000, 5000, 10000, 50000]
        for cores, counts in ((2, [1, 2, 4, 8]), (3, [1, 2, 4, 8, 3]), (1000, [1, 2, 4, 8, 64])):
            loads = storms(measure.plan(cores), duration="1s", protocol=None)
            self.assertEqual([(run.ms, run.rate) for run in loads],
                             [(ms, rate) for ms in counts for rate in (rates + rates[::-1]) * 3])

    def test_the_bare_program_runs_beside_one_m_a_core(self):
        runs = measure.plan(4)
        for at, run in enumerate(runs):
            if isinstance(run, Storm) and run.duration == "1s" and run.protocol is None:
                beside = [bare.command()[1:] for bare in itertools.takewhile(is_bare, runs[at + 1:])]
                timers = [] if run.ms != 4 else ["1", "4"] if run.rate else ["1"]
                self.assertEqual(beside, [["4", str(run.rate), "1", count] for count in timers])

    def test_fifty_rounds_take_turns(self):
        rounds = storms(measure.plan(2), duration="500ms")
        self.assertEqual({run.ms for run in rounds}, {2})
        self.assertEqual([run.rate for run in rounds], [5000, 0, 0, 5000] * 25)
        self.assertFalse(any(run.hold for run in rounds))

    def test_ten_rounds_hold_the_rate(self):
        runs = measure.plan(2)
        first = next(at for at, run in enumerate(runs) if isinstance(run, Storm) and run.hold)
        programs = [" ".join(run.command()) for run in runs[first:first + 20]]
        self.assertEqual(programs, ["build/release/sigsweep storm --json build/logs/one.jsonl --ms 2 --rate 50000 "
                                    "--hold-rate --source timer --duration 2s",
                                    "build/release/sigsweep storm --json build/logs/one.jsonl --ms 2 --rate 0 "
                                    "--source timer --duration 2s"] * 10)
        self.assertEqual(len(storms(runs, hold=True)), 10)

    def test_a_hazard_by_every_source_and_in_the_exact_lane(self):
        *raws, sweep = measure.plan(2)[-6:]
        self.assertEqual([" ".join(run.flags()) for run in raws],
                         [f"--protocol signalok_raw --mix slots --source {source} --duration 1s"
                          for source in ("itimer", "timer", "kill", "flood", "sigqueue")])
        self.assertIsInstance(sweep, Sweep)

    def test_nothing_else_is_run(self):
        self.assertEqual(len(measure.plan(2)), 6 * (4 * 5 + 4 * 2 + 1) + 50 * 2 + 10 * 2 + 5 + 1)


# A program that notes its words as a line of JSON. The one whose words FAIL names fails. As `report` it ends with 1.
PROGRAM = """#!/usr/bin/python3
import json, os, sys
if sys.argv[1] == "report":
    open("reported", "w").write(" ".join(sys.argv[2:]))
    sys.exit(1)
line = json.dumps(sys.argv[1:])
if os.environ.get("FAIL", "nothing") in line:
    print("what was wrong", file=sys.stderr)
    sys.exit(7)
if "--json" in sys.argv:
    open(sys.argv[sys.argv.index("--json") + 1], "w").write(line + "\\n")
else:
    print(line)
"""
RUNS = [Storm("storms", "1s", ms=1, rate=2), Storm("storms", "1s", ms=1, rate=3), Bare("bare", 5, ms=1, rate=2, timers=4),
        Sweep("sweep", "reject", "gc_m")]


class Measure(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(work.name)
        pathlib.Path("build/logs").mkdir(parents=True)
        pathlib.Path("build/release").mkdir()
        for name in ("sigsweep", "bare_timers"):
            (measure.BUILD / name).write_text(PROGRAM)
            (measure.BUILD / name).chmod(0o755)
        self.stub("VALIDATE", pathlib.Path("validate.py"))
        self.stub("plan", lambda cores: RUNS)
        pathlib.Path("validate.py").write_text("print('valid')")

    def stub(self, name, value):
        self.addCleanup(setattr, measure, name, getattr(measure, name))
        setattr(measure, name, value)

    def measured(self, *arguments):
        with tempfile.TemporaryFile("w+") as errors, contextlib.redirect_stderr(errors):
            with contextlib.redirect_stdout(io.StringIO()) as said:
                status = measure.main(list(arguments))
            errors.seek(0)
            return status, said.getvalue(), errors.read()

    def test_a_plan_runs_nothing(self):
        status, said, _ = self.measured("--plan")
        self.assertEqual(status, 0)
        self.assertEqual(said.splitlines()[2], "build/release/bare_timers 1 2 5 4")
        self.assertEqual(len(said.splitlines()), 4)
        self.assertEqual(os.listdir("build/logs"), [])

    def test_the_lines_of_all_runs_become_the_report(self):
        status, _, errors = self.measured("out")
        self.assertEqual(status, 1)  # the report's own
        self.assertEqual(pathlib.Path("reported").read_text(), "out.jsonl --markdown out" + ".md")
        lines = [json.loads(line) for line in pathlib.Path("out.jsonl").read_text().splitlines()]
        self.assertEqual(lines, [run.command()[1:] for run in RUNS])
        self.assertEqual(errors, "storms\nbare\nsweep\nvalid\n")

    def test_a_run_that_fails_is_the_last(self):
        for words, failure in (('"--rate", "3"', "what was wrong\nstress: sigsweep storm --ms 1 --rate 3 --source timer "
                                                 "--duration 1s ended with status 7\n"),
                               ('["1", "2", "5", "4"]', "stress: bare_timers failed with status 7\n"),
                               ('"sweep"', "what was wrong\nstress: the sweep failed with status 7\n")):
            os.environ["FAIL"] = words
            self.addCleanup(os.environ.pop, "FAIL", None)
            status, _, errors = self.measured("out")
            self.assertEqual(status, 3)
            self.assertTrue(errors.endswith(failure), errors)
            self.assertFalse(pathlib.Path("out.jsonl").exists())

    def test_lines_that_are_not_valid_are_no_result(self):
        pathlib.Path("validate.py").write_text("import sys\nsys.exit(1)")
        status, _, errors = self.measured("out")
        self.assertEqual(status, 3)
        self.assertTrue(errors.endswith("stress: build/logs/storm.jsonl: not valid\n"), errors)
        self.assertFalse(pathlib.Path("out.jsonl").exists())

    def test_usage(self):
        for arguments in ([], ["--plans"], ["a", "b"]):
            self.assertEqual(self.measured(*arguments)[0], 2)


if __name__ == "__main__":
    unittest.main()
