#!/usr/bin/python3
"""A real night that is killed again and again: is anything lost, or counted twice?

killed_night.py SIGSWEEP OUT KILLS SEED [ARGUMENT...]: begins `SIGSWEEP nightly --out OUT ARGUMENT...`, kills it (-9) KILLS
times, at moments drawn from SEED, and goes on with --resume each time; the last one comes to its end. ARGUMENT holds the
budget. It looks after each kill at the night's rows, and in the end at the history. Exit status: 0 all is there once; 1 it is
not; 3 the night could not be run.
"""

import json
import pathlib
import random
import sqlite3
import subprocess
import sys


def rows(night, kind):
    found = []
    for line in (night / "night.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the last line of a night that was killed while it wrote
        if row["kind"] == kind:
            found.append(row)
    return found


def night_in(out):
    return max(path.parent for path in out.glob("*/night.jsonl"))


def parts(night):
    """Each part that has ended, by its name. A name that stands there twice ends the check."""
    ended = {}
    for row in rows(night, "part"):
        if row["name"] in ended:
            raise SystemExit(f"killed_night: {row['name']} was counted twice")
        ended[row["name"]] = row
    return ended


def begin(command, log):
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def work_of(night, part):
    """Trials in the files of a part, from its own results: what the history must hold."""
    trials = 0
    for name in part["results"]:
        if not name.endswith(".jsonl"):
            continue
        for line in (night / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            trials += row["trials"] if row["kind"] == "cell" else 0
    return trials


def check_history(file, night, ended):
    with sqlite3.connect(file) as history:
        problems = [row[0] for row in history.execute("PRAGMA integrity_check") if row[0] != "ok"]
        number = history.execute("SELECT number FROM run WHERE id = ?", (night.name,)).fetchone()[0]
        kept = [row[0] for row in history.execute("SELECT name FROM part WHERE run = ?", (number,))]
        if sorted(kept) != sorted(ended):
            problems.append("its parts are not those of the night")
        for name, part in ended.items():
            sums = history.execute("SELECT coalesce(sum(trials), 0) FROM cell WHERE run = ? AND part = ?", (number, name))
            if (held := sums.fetchone()[0]) != work_of(night, part):
                problems.append(f"{name}: {held} trials in the history, {work_of(night, part)} in its results")
    return problems


def main(sigsweep, out, kills, seed, *arguments):
    out, draw = pathlib.Path(out), random.Random(int(seed))
    out.mkdir(parents=True, exist_ok=True)
    flags = ["--out", out, "--history", out / "history.sqlite"]
    command, before = [sigsweep, "nightly", *flags, *arguments], {}
    with open(out / "killed_night.log", "wb") as log:
        for kill in range(int(kills)):
            process, after = begin(command, log), draw.uniform(1, 45)
            try:
                process.wait(after)
                print(f"killed_night: it ended by itself before kill {kill + 1}")
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            night = night_in(out)
            now = parts(night)
            if any(now.get(name) != row for name, row in before.items()):
                raise SystemExit("killed_night: a part that had ended is lost, or another one now")
            print(f"kill {kill + 1:2} after {after:4.1f} s: {len(now)} parts have ended", flush=True)
            before, command = now, [sigsweep, "nightly", *flags, "--resume"]

        status = begin(command, log).wait()
    night = night_in(out)
    ended = parts(night)
    wanted = rows(night, "run")[0]["selection"].removeprefix("parts=").split(",")
    problems = check_history(out / "history.sqlite", night, ended)
    problems += [f"{name}: lost" for name in wanted if name not in ended]
    problems += [f"{name}: another row than before a kill" for name, row in before.items() if ended.get(name) != row]
    print(f"{len(ended)} of {len(wanted)} parts, each once; the night's status is {status}; " +
          ("; ".join(problems) if problems else "the history holds what the parts did, and is sound"))
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) < 5:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
