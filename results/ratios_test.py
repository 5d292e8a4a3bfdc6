#!/usr/bin/python3
"""Tests of ratios.py: what scripts/bench builds, the runs that it starts, and the table of their medians."""

import contextlib
import io
import json
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import ratios

# A command that notes its arguments, and measures: each run takes longer by 10 ns. The run that FAIL names fails.
COMMAND = """#!/usr/bin/python3
import json, os, sys
with open("called", "a") as file:
    print(*sys.argv[1:], file=file)
run = sum(1 for _ in open("called"))
if str(run) == os.environ.get("FAIL"):
    sys.exit(int(os.environ["STATUS"]))
if "--help" in sys.argv:
    sys.exit(print("Usage: no JSON"))
rows = [("BM_mcall_gogo", 10 * run), ("BM_mcall_floor", 10), ("BM_onM_curg", 10), ("BM_onM_floor", 10),
        ("BM_inject_direct", 10), ("BM_int3_floor", 10)]
print(json.dumps({"context": {"isa": "386", "cpu": "AMD EPYC", "host_name": "secret", "date": "today"}, "benchmarks": [
    {"name": name, "run_name": name, "run_type": "iteration", "real_time": ns, "cpu_time": ns} for name, ns in rows]}))
"""


class Needs(unittest.TestCase):
    def printed(self, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertEqual(ratios.main(["needs", *arguments]), 0)
        return said.getvalue()

    def test_of_the_host(self):
        self.assertEqual(self.printed(), "amd64 benchmarks\n")
        self.assertEqual(self.printed("--isa", "amd64"), "amd64 benchmarks\n")
        self.assertEqual(self.printed("--benchmark_filter=--isa", "386"), "amd64 benchmarks\n")

    def test_of_another_isa(self):
        self.assertEqual(self.printed("--isa", "386"), "386 proof-all\n")
        self.assertEqual(self.printed("--isa=amd64p32", "--benchmark_min_time=1"), "amd64p32 proof-all\n")

    def test_the_last_one_counts(self):
        self.assertEqual(self.printed("--isa=386", "--isa", "amd64p32"), "amd64p32 proof-all\n")

    def test_a_flag_without_a_value_is_left_to_the_command(self):
        self.assertEqual(self.printed("--isa"), "amd64 benchmarks\n")


class Measure(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(work.name)
        pathlib.Path("build/release").mkdir(parents=True)
        pathlib.Path("build/logs").mkdir()
        pathlib.Path(ratios.SIGSWEEP).write_text(COMMAND)
        pathlib.Path(ratios.SIGSWEEP).chmod(0o755)

    def measured(self, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()) as errors:
            status = ratios.main(["measure", "out", *arguments])
        return status, said.getvalue(), errors.getvalue()

    def test_ten_processes_with_all_arguments(self):
        self.measured("--isa", "386")
        called = pathlib.Path("called").read_text().splitlines()
        self.assertEqual(called, ["bench --benchmark_format=json --isa 386"] * 10)

    def test_medians_and_ratios_are_printed_and_kept(self):
        status, said, _ = self.measured()
        self.assertEqual(status, 1)  # 55 ns to 10
        self.assertIn("medians of 10 runs\nBM_mcall_gogo                   55.00 ns\n", said)
        self.assertIn("FAILS   5.50 <= 1.25  mcall and gogo", said)
        self.assertIn("holds   1.00 <= 1.25  onM, in the parent commit's", said)
        self.assertEqual(pathlib.Path("out.txt").read_text(), said)
        whole = json.loads(pathlib.Path("out.json").read_text())
        self.assertNotIn("host_name", whole["context"])
        self.assertEqual(len(whole["benchmarks"]), 6 * 11)

    def test_a_run_that_fails_is_the_last(self):
        for status, expected in ((3, 3), (1, 3), (2, 2), (4, 4), (77, 77)):
            with self.subTest(status), mock.patch.dict(os.environ, FAIL="3", STATUS=str(status)):
                pathlib.Path("called").unlink(missing_ok=True)
                self.assertEqual(self.measured(), (expected, "", f"bench: the benchmarks ended with status {status}\n"))
                self.assertEqual(len(pathlib.Path("called").read_text().splitlines()), 3)
                self.assertFalse(pathlib.Path("out.json").exists())

    def test_arguments_that_measure_nothing_are_wrong(self):
        self.assertEqual(self.measured("--help"), (2, "", "bench: no figures: build/logs/bench-1.json is no JSON "
                                                          "(arguments: --help)\n"))
        self.assertFalse(pathlib.Path("out.json").exists())


class Limits(unittest.TestCase):
    def lines(self, cpu, **took):
        """The lines about ratios of a run on such a processor, and the status; what is not named takes 10 ns."""
        names = {name for _, _, above, below, _ in ratios.RATIOS for name in above + below}
        rows = [{"run_name": name, "run_type": "aggregate", "real_time": took.get(name, 10.0)} for name in names]
        lines, status = ratios.table({"context": {"isa": "amd64", "cpu": cpu}, "benchmarks": rows}, 10)
        return [line for line in lines if "<=" in line], status

    def jumps(self, cpu, ns):
        lines, status = self.lines(cpu, BM_onM_curg=ns, BM_onM_floor=ns)
        return next(line for line in lines if "in jumps of" in line), status

    def test_each_kind_of_processor_has_its_own(self):
        for cpu, ns, expected in (("AMD EPYC 7763 64-Core Processor", 5.9, "holds   0.59 <= 0.60"),
                                  ("AMD EPYC 7763 64-Core Processor", 6.1, "FAILS   0.61 <= 0.60"),
                                  ("Intel(R) Xeon(R) Processor", 9.9, "holds   0.99 <= 1.00"),
                                  ("Intel(R) Xeon(R) Processor", 10.1, "FAILS   1.01 <= 1.00")):
            line, status = self.jumps(cpu, ns)
            self.assertTrue(line.startswith(expected), line)
            self.assertIn(f" ({cpu[:3] if cpu.startswith('AMD') else 'Intel'}: measured ", line)
            self.assertEqual(status, expected.startswith("FAILS"))

    def test_an_unknown_processor_has_the_widest_and_its_line_says_so(self):
        for cpu in ("Zhaoxin KH-40000", "Amdahl Intellect", "?"):
            line, status = self.jumps(cpu, 9.9)
            self.assertTrue(line.startswith("holds   0.99 <= 1.00"), line)
            self.assertTrue(line.endswith(f" (no limit is known for '{cpu}': the widest of AMD, Intel)"), line)
            self.assertEqual(status, 0)
            self.assertEqual(self.jumps(cpu, 10.1)[1], 1)

    def test_other_limits_are_the_same_everywhere(self):
        for cpu in ("AMD EPYC", "Intel(R) Xeon(R) Processor", "Zhaoxin KH-40000"):
            lines, status = self.lines(cpu, BM_inject_direct=11.6)
            self.assertIn("FAILS   1.16 <= 1.15  one direct injection, in bare breakpoints: "
                          "BM_inject_direct / (BM_int3_floor)", lines)
            self.assertEqual(status, 1)


if __name__ == "__main__":
    unittest.main()
