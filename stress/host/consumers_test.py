#!/usr/bin/python3
"""consumers_test.py SIGSWEEP junit|sarif|benchmark: what sigsweep writes for other programs, by those that read it.

  junit      Python's XML parser, and junitparser if it is here
  sarif      sarif.schema.json beside this file: the parts of SARIF 2.1.0 that sigsweep writes, in the standard's words.
             The standard's own schema is in no package
  benchmark  compare.py of Google Benchmark, on what `bench` writes

Exit status: 0; 1 something is wrong; 2 usage; 77 the reader is not here, and which.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RAW = ["--protocol", "signalok_raw", "--site", "mcacheRefill_m", "--handler", "mcacheRefill_m"]
FINDING = ["sweep", *RAW, "--assume", "signalok_raw=ok"]
FAILING_CLAIM = ["prove", "--claim", "2,12", "--duration", "500ms", "--assume", "reject=ok", "--site", "gc_m", "--handler",
                 "gc_m", "--depth", "1"]


class Wrong(Exception):
    """What is not as it must be."""


class Skipped(Exception):
    """What is not here."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def run(*command, status=0, **options):
    ran = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=300, check=False, **options)
    expect(status is None or ran.returncode == status, f"{command}: status {ran.returncode}, expected {status}:\n{ran.stdout}")
    return ran.stdout


class Sigsweep:
    """The command, in a folder of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def __call__(self, *arguments, status=0):
        return run(self.program, *arguments, status=status, cwd=self.folder)

    def report(self, flag, name, *arguments, status=0):
        """The file that --junit or --sarif names."""
        self(*arguments, flag, name, status=status)
        return self.folder / name

    def killed(self, *arguments):
        """Ends it by force as soon as its files are there."""
        process = subprocess.Popen([self.program, *arguments], cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        file, end = self.folder / arguments[-1], time.monotonic() + 60
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.001)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return file

    def rows(self, name, kind):
        rows = map(json.loads, (self.folder / name).read_text().splitlines())
        return [row for row in rows if row["kind"] == kind]

    def known(self, name):
        """A list that acknowledges all findings of a results file."""
        ids = {row["id"] for row in self.rows(name, "finding")}
        (self.folder / "known.txt").write_text("".join(f"{i} 2999-12-31 the <parent> commit\n" for i in ids))
        return "known.txt"


# ---- JUnit's XML


def cases(path):
    """(classname, name) -> its testcase; the counts of each suite must be those of its cases."""
    top = xml.etree.ElementTree.parse(path).getroot()
    expect(top.tag == "testsuites", f"{path}: {top.tag}")
    found = {}
    for suite in [top, *top]:
        own = list(suite.iter("testcase"))
        for attribute, tag in (("tests", None), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            count = len([case for case in own if tag is None or case.find(tag) is not None])
            expect(suite.get(attribute) == str(count), f"{path}: {suite.get('name')}: {attribute}")
        expect(float(suite.get("time")) >= 0, f"{path}: time")
    for case in top.iter("testcase"):
        key = (case.get("classname"), case.get("name"))
        expect(key not in found and all(key), f"{path}: {key} twice, or without a name")
        found[key] = case
    return found


def junitparser_agrees(path, counts):
    try:
        import junitparser
    except ImportError:
        return
    suites = junitparser.JUnitXml.fromfile(str(path))
    seen = (suites.tests, suites.failures, suites.errors, suites.skipped)
    expect(seen == counts, f"{path}: junitparser sees {seen}, expected {counts}")
    expect(len([case for suite in suites for case in suite]) == counts[0], f"{path}: junitparser sees other cases")


def only(found, tag):
    return [case for case in found.values() if case.find(tag) is not None]


def junit(sigsweep):
    good = sigsweep.report("--junit", "good.xml", "sweep", *RAW, "--json", "good.jsonl")
    junitparser_agrees(good, (1, 0, 0, 0))
    expect(("sweep.amd64.signalok_raw", "mcacheRefill_m mcacheRefill_m single direct place") in cases(good), "the cell is no case")

    bad = sigsweep.report("--junit", "bad.xml", *FINDING, "--json", "bad.jsonl", status=1)
    junitparser_agrees(bad, (1, 1, 0, 0))
    failure = only(cases(bad), "failure")[0].find("failure")
    expect("arg-clobbered" in failure.get("message"), failure.get("message"))
    for row in sigsweep.rows("bad.jsonl", "finding"):
        expect(f"finding {row['id']}: " in failure.text, f"the page of finding {row['id']} is not there")
    expect("the signal landed in front of" in failure.text and "replay:  sigsweep replay" in failure.text, "no page")

    acknowledged = sigsweep.report("--junit", "known.xml", *FINDING, "--known", sigsweep.known("bad.jsonl"))
    junitparser_agrees(acknowledged, (1, 0, 0, 0))

    claims = cases(sigsweep.report("--junit", "claims.xml", *FAILING_CLAIM, status=1))
    expect(set(claims) == {("prove.amd64", "claim 2"), ("prove.amd64", "claim 12")}, f"claims: {set(claims)}")
    expect(len(only(claims, "failure")) == 2, "claims 2 and 12 fail")
    expect("finding " in claims["prove.amd64", "claim 2"].find("failure").text, "claim 2 has no page")

    skipped = cases(sigsweep.report("--junit", "none.xml", "sweep", "--runner", "/nonexistent", status=77))
    expect([case.find("skipped") is not None for case in skipped.values()] == [True], "a run that is skipped")
    stopped = cases(sigsweep.report("--junit", "wrong.xml", "sweep", "--site", "nowhere", status=2))
    expect("nowhere" in only(stopped, "error")[0].find("error").get("message"), "a run that is refused")

    storm = cases(sigsweep.report("--junit", "storm.xml", "storm", "--duration", "300ms"))
    expect([key[0] for key in storm] == ["storm.amd64.reject"] and not only(storm, "failure"), f"storm: {set(storm)}")
    storm = cases(sigsweep.report("--junit", "storm.xml", "storm", "--duration", "300ms", "--assume", "reject=ok", status=1))
    expect(len(only(storm, "failure")) == 1, "a storm that is not as expected")

    killed = cases(sigsweep.killed("sweep", "--depth", "2", "--junit", "killed.xml"))
    expect("killed" in only(killed, "error")[0].find("error").get("message"), "a run that was killed")
    sigsweep("sweep", *RAW, "--json", "x", "--junit", "x", status=2)
    stream = sigsweep("sweep", *RAW, "--junit", "/dev/stdout")
    expect("<testsuites" in stream and pathlib.Path("/dev/stdout").is_symlink(), "a stream takes a report, and stays one")


# ---- SARIF


def log_of(path):
    import jsonschema
    schema = json.loads((HERE / "sarif.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    log = json.loads(path.read_text())
    for error in jsonschema.Draft202012Validator(schema).iter_errors(log):
        raise Wrong(f"{path}: {error.json_path}: {error.message}")
    one = log["runs"][0]
    rules = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
    for result in one["results"]:
        expect(rules[result["ruleIndex"]] == result["ruleId"], f"{path}: {result['ruleId']} is not the rule of its index")
    return one


def place(result):
    location = result["locations"][0]
    physical = location["physicalLocation"]
    return (urllib.parse.unquote(physical["artifactLocation"]["uri"]), physical.get("region", {}).get("startLine"),
            location.get("logicalLocations", [{}])[0].get("fullyQualifiedName"))


def line_by(tool, binary, symbol, offset):
    """The file and line of an instruction, as another reader of DWARF sees it."""
    start = next(int(line.split()[0], 16) for line in run("nm", binary).splitlines() if line.split()[1:] == ["T", symbol])
    said = run(*tool, binary, hex(start + offset)).split()[0]
    file, line = said.rsplit(":", 2)[:2] if said.count(":") > 1 else said.rsplit(":", 1)
    return file, int(line)


def check_lines(sigsweep, results):
    """Each finding is at the line that addr2line names, and that line is of the stub's source."""
    binary = sigsweep.program.parent / "runner-amd64"
    for result in results:
        file, line, name = place(result)
        symbol, offset = name.rsplit("+", 1)
        their_file, their_line = line_by(["addr2line", "-e"], binary, symbol, int(offset, 16))
        expect(line == their_line and their_file.endswith(pathlib.Path(file).name),
               f"{name}: {file}:{line}; addr2line has {their_file}:{their_line}")
        expect((ROOT / file).is_file(), f"{name}: {file} is not in the checkout")
    stubs = [place(result)[0] for result in results if place(result)[2].startswith("onM+")]
    expect(stubs and set(stubs) == {"runtime/asm_amd64.S"}, f"findings in onM: {stubs}")


def sarif(sigsweep):
    good = log_of(sigsweep.report("--sarif", "good.sarif", "sweep", *RAW))
    expect(good["results"] == [] and good["invocations"][0]["executionSuccessful"], "nothing was found")

    bad = log_of(sigsweep.report("--sarif", "bad.sarif", *FINDING, "--json", "bad.jsonl", status=1))
    rows = sigsweep.rows("bad.jsonl", "finding")
    expect([r["partialFingerprints"]["sigsweepFinding/v1"] for r in bad["results"]] == [r["id"] for r in rows], "other findings")
    expect({r["ruleId"] for r in bad["results"]} == {row["verdict"] for row in rows}, "rules are verdicts")
    expect(bad["invocations"][0]["exitCode"] == 1 and all("suppressions" not in r for r in bad["results"]), "not known")
    check_lines(sigsweep, bad["results"])

    known = log_of(sigsweep.report("--sarif", "known.sarif", *FINDING, "--known", sigsweep.known("bad.jsonl")))
    expect([r["suppressions"][0]["justification"] for r in known["results"]] == ["the <parent> commit"] * len(rows), "known")

    check_without_lines(sigsweep, rows)
    claims = log_of(sigsweep.report("--sarif", "claims.sarif", *FAILING_CLAIM, status=1))
    expect({"claim"} < {r["ruleId"] for r in claims["results"]}, "a claim without a schedule, beside findings")
    storm = log_of(sigsweep.report("--sarif", "storm.sarif", "storm", "--duration", "300ms", "--assume", "reject=ok", status=1))
    expect([r["ruleId"] for r in storm["results"]] == ["storm"], "a storm that is not as expected")
    stopped = log_of(sigsweep.report("--sarif", "wrong.sarif", "sweep", "--site", "nowhere", status=2))
    expect(not stopped["invocations"][0]["executionSuccessful"], "a run that is refused")

    for part in ("1", "2"):
        sigsweep(*FINDING, "--shard", f"{part}/2", "--json", f"{part}.jsonl", status=None)
    merged = log_of(sigsweep.report("--sarif", "all.sarif", "merge", "--json", "all.jsonl", "1.jsonl", "2.jsonl", status=1))
    expect(list(map(place, merged["results"])) == list(map(place, bad["results"])), "merged shards have other findings")


def check_without_lines(sigsweep, rows):
    """A binary without line tables: it is named itself, with symbol and offset."""
    bare = sigsweep.folder / "runner bare"
    run("objcopy", "--strip-debug", sigsweep.program.parent / "runner-amd64", bare)
    log = log_of(sigsweep.report("--sarif", "bare.sarif", *FINDING, "--runner", bare, status=1))
    places = [place(result) for result in log["results"]]
    expect([p[0] for p in places] == [f"file://{bare.resolve()}"] * len(rows), f"the binary is not named: {places[:1]}")
    expect([p[1:] for p in places] == [(None, f"{row['symbol']}+{row['offset']:#x}") for row in rows], f"symbols: {places[:1]}")


# ---- Google Benchmark's JSON


def benchmark(sigsweep):
    compare = pathlib.Path("/usr/share/benchmark/compare.py")
    if not compare.exists():
        raise Skipped("compare.py of Google Benchmark is not here (package libbenchmark-tools)")
    try:
        import scipy  # noqa: F401
    except ImportError:
        raise Skipped("compare.py of Google Benchmark needs scipy (package python3-scipy)") from None
    for name in ("old", "new"):
        sigsweep("bench", "--benchmark_filter=BM_inject_direct", "--benchmark_min_time=0.01", f"--benchmark_out={name}.json",
                 "--benchmark_out_format=json")
    said = run(sys.executable, compare, "--no-color", "benchmarks", "old.json", "new.json", cwd=sigsweep.folder)
    expect(re.search(r"^BM_inject_direct\S*( +[-+]?[\d.]+){6}$", said, re.MULTILINE), f"compare.py:\n{said}")


CHECKS = {"junit": junit, "sarif": sarif, "benchmark": benchmark}


def main(arguments):
    if len(arguments) != 2 or arguments[1] not in CHECKS:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        try:
            CHECKS[arguments[1]](Sigsweep(pathlib.Path(arguments[0]).resolve(), pathlib.Path(folder)))
        except Skipped as why:
            print(f"skipped: {why}")
            return 77
        except Wrong as wrong:
            print(wrong)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
