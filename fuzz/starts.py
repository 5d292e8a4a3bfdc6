#!/usr/bin/python3
"""Processor time of a fuzz target's start: as it is built, and where it records all ways at its start.

starts.py measure BUILD TARGET...   for each preset and target: JSON lines on standard output
starts.py table FILE                medians of such lines; the first tells of machine and build. Exit status: 0 each target
                                    that keeps ways starts in a tenth of the time; 1 one does not

BUILD: the folder of the presets' builds.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

SECTION = ".sigsweep.ways"  # keep_ways.sh
ROUNDS = 3
MOST = 0.1  # of the start of a copy that keeps none
INPUT = "input"  # a file; AFL++'s driver runs no empty one
# (preset, the argument by which a target begins, runs one small input, and ends)
PRESETS = [("fuzz", "-runs=0"), ("afl", INPUT)]


def seconds(program, argument, folder):
    """Of a processor, in user and system mode, with its children's."""
    process = subprocess.Popen([program, argument], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=os.environ | {"AFL_QUIET": "1"})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"starts: {program} {argument}: status {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def copy_without(program, folder):
    """A copy that keeps no ways; None: the program keeps none."""
    bare = pathlib.Path(folder) / program.name
    subprocess.run(["objcopy", "--remove-section", SECTION, program, bare], check=True)
    headers = subprocess.run(["objdump", "-h", program], check=True, capture_output=True, text=True).stdout
    return bare if SECTION in headers else None


def measure(build, targets):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, INPUT).write_bytes(b"\0")
        for preset, argument in PRESETS:
            for target in targets:
                program = build / preset / target
                bare = copy_without(program, folder)
                for _ in range(ROUNDS):
                    recording = None if bare is None else round(seconds(bare, argument, folder), 3)
                    start = round(seconds(program, argument, folder), 3)
                    print(json.dumps(dict(preset=preset, target=target, start=start, recording=recording)), flush=True)


def table(path):
    origin, *rows = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    for name, value in origin.items():
        print(f"{name + ':':<10}{value}")
    print(f"seconds of a processor, user and system, from the start to the end of one small input; medians of {ROUNDS}\n")
    print(f"{'':<8}{'':<18}{'records':>9}{'keeps':>9}")
    good = True
    for preset, target in dict.fromkeys((row["preset"], row["target"]) for row in rows):
        mine = [row for row in rows if (row["preset"], row["target"]) == (preset, target)]
        start = statistics.median(row["start"] for row in mine)
        line = f"{preset:<8}{target:<18}"
        if mine[0]["recording"] is None:
            print(f"{line}{'':>9}{start:>9.2f}   it keeps no ways")
            continue
        recording = statistics.median(row["recording"] for row in mine)
        holds = start <= MOST * recording
        good = good and holds
        print(f"{line}{recording:>9.2f}{start:>9.2f}   {start / recording:.3f}{'' if holds else f': FAILS: at most {MOST}'}")
    return 0 if good else 1


if len(sys.argv) > 3 and sys.argv[1] == "measure":
    measure(pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:])
elif len(sys.argv) == 3 and sys.argv[1] == "table":
    sys.exit(table(sys.argv[2]))
else:
    sys.exit(__doc__)
