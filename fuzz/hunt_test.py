#!/usr/bin/python3
"""Tests of hunt.py: which runs scripts/hunt makes and what it keeps of them; and one run, of a fuzzer that does not fuzz."""

import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import threading
import unittest
import unittest.mock

sys.dont_write_bytecode = True  # beside the script
import hunt

# As hazard_fuzzer with --random: it has run 40,000 inputs when it dies, and has seen a crash at the 7th. It notes the
# variables that it was given.
FUZZER = """#!/usr/bin/python3
import os, struct, sys
with open(os.environ["SIGSWEEP_FIRST"], "a") as file:
    file.write("crash 7\\n")
with open(os.environ["SIGSWEEP_STATS"] + "/1", "wb") as file:
    file.write(struct.pack("=Q", 40000))
with open(sys.argv[0] + ".seen", "a") as file:
    print(*sys.argv[1:], os.environ["SIGSWEEP_INJECT"], *[name for name in os.environ if name[:4] == "AFL_"], file=file)
os.abort()
"""


class Lanes(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.build = pathlib.Path(work.name).resolve() / "build"
        (self.build / "logs").mkdir(parents=True)
        self.prefix = pathlib.Path(work.name) / "hunt"
        self.lines.write_text('{"machine": "this one"}\n')
        self.calls = []

    @property
    def lines(self):
        return self.prefix.with_suffix(".jsonl")

    def measured(self, one):
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()):
            hunt.measure(str(self.build), str(self.prefix), one)
        return said.getvalue()

    def one(self, engine, source, seed, fuzzer, library):
        self.calls.append((engine, fuzzer, library))
        return dict(engine=engine, source=source, seed=seed, execs=9, processes=1, seconds=9.35 + 0.01 * (seed % 2), found={"crash": seed})

    def test_every_engine_and_seed_by_each_source(self):
        said = self.measured(self.one)
        origin, *rows = [json.loads(line) for line in self.lines.read_text().splitlines()]
        self.assertEqual(origin, {"machine": "this one"})
        self.assertEqual([(row["source"], row["seed"], row["engine"]) for row in rows],
                         [(source, seed, engine) for source in ("kill", "itimer") for seed in range(1, 11)
                          for engine in ("libfuzzer", "afl", "random")])
        self.assertIn(f"by kill         {'libfuzzer':>25}{'afl':>22}{'random':>22}\n"
                      f"crash           {'5':>25}{'5':>22}{'5':>22}\n"
                      f"median execs    {'9.0':>25}{'9.0':>22}{'9.0':>22}\n"
                      f"median seconds  {'9.4':>25}{'9.4':>22}{'9.4':>22}\n", said)
        self.assertEqual(self.prefix.with_suffix(".txt").read_text(), said)

    def test_afl_runs_the_fuzzer_of_its_own_build(self):
        self.measured(self.one)
        library = str(self.build / "afl/libafl_mutator.so")
        self.assertEqual(set(self.calls), {("libfuzzer", str(self.build / "fuzz/hazard_fuzzer"), library),
                                           ("afl", str(self.build / "afl/hazard_fuzzer"), library),
                                           ("random", str(self.build / "fuzz/hazard_fuzzer"), library)})

    def test_the_sources_run_side_by_side(self):
        both = threading.Barrier(2, timeout=20)  # broken, and so a failure, where one lane waits for the other

        def one(*arguments):
            both.wait()
            return self.one(*arguments)

        self.measured(one)

    def test_a_run_that_fails_stops_both_lanes_and_nothing_is_kept(self):
        failed = threading.Event()

        def one(engine, source, seed, *rest):
            if (source, seed) == ("itimer", 2):
                failed.set()
                raise hunt.Failure("afl: nothing runs")
            if (source, seed) == ("kill", 3):  # what it would tell is not of a whole run
                self.assertTrue(failed.wait(20))
                self.assertTrue(hunt.stopped.wait(20))
            return self.one(engine, source, seed, *rest)

        with self.assertRaisesRegex(hunt.Failure, "nothing runs"):
            self.measured(one)
        self.assertEqual(self.lines.read_text(), '{"machine": "this one"}\n')
        self.assertFalse(self.prefix.with_suffix(".txt").exists())
        self.assertEqual(len(hunt.log_of(self.build, "kill").read_text().splitlines()), 6)


class Run(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.fuzzer = pathlib.Path(work.name) / "fuzzer"
        hunt.stopped.clear()
        # Preset afl gives its tests what its build reads. Only what a run adds is looked at here.
        others = {name: value for name, value in os.environ.items() if not name.startswith("AFL_")}
        environment = unittest.mock.patch.dict(os.environ, others, clear=True)
        environment.start()
        self.addCleanup(environment.stop)

    def made(self, text):
        self.fuzzer.write_text(text)
        self.fuzzer.chmod(0o755)
        return str(self.fuzzer)

    def test_another_process_goes_on_within_the_same_limit(self):
        row = hunt.run("random", "kill", "3", self.made(FUZZER))
        self.assertEqual((row["execs"], row["processes"], row["found"]), (120000, 3, {"crash": 7}))
        self.assertEqual(pathlib.Path(f"{self.fuzzer}.seen").read_text(),
                         "--random 100000 3 kill\n--random 60000 1003 kill\n--random 20000 2003 kill\n")

    def test_a_fuzzer_that_runs_nothing_is_a_failure(self):
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(hunt.main(["run", "random", "kill", "3", self.made("#!/bin/sh\nexit 0\n")]), 3)
            self.assertEqual(hunt.main(["run", "random", "kill", "3", "/nowhere/fuzzer"]), 3)
        self.assertIn("hunt: random: nothing runs\n", errors.getvalue())
        self.assertIn("/nowhere/fuzzer", errors.getvalue())

    def test_only_afl_is_given_what_it_reads(self):
        self.assertEqual(hunt.environment("afl", "m.so")["AFL_CUSTOM_MUTATOR_LIBRARY"], "m.so")
        for engine in ("libfuzzer", "random"):
            self.assertEqual(hunt.environment(engine, "m.so"), {})


if __name__ == "__main__":
    unittest.main()
