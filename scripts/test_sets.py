#!/usr/bin/python3
"""What only scripts/test --full runs, and why.

test_sets.py [PRESET...]: a line for each pattern of ONLY_FULL, with the number of its tests where that preset is built, as
the named ones are. Exit status: 0; 1 a pattern matches no test, so a test has another name now, or ctest fails.
"""

import re
import subprocess
import sys

PRESETS = ("release", "gcc", "asan", "tsan", "fuzz", "afl")

# (preset, pattern, why). All else is run by scripts/test as well: a new test is, where no row here names it. The pattern
# is ctest's, of tests' names; `.*`: the preset is not even built.
ONLY_FULL = (
    ("release", r"^machines\.slurm$", "half a minute of a Slurm cluster, whose packages a landing does not install"),
    ("release", r"^package\.chroot$", "two minutes of packing; a landing installs no package of ours"),
    ("release", r"^page\.browser$", "a browser and its packages, and a sweep of all cells"),
    ("release", r"^mutants\.sample$", "a minute: 40 mutants; mutants_command_test is left, with 12 whose ends are known"),
    ("gcc", ".*", "a second compiler for the same tests"),
    ("asan", ".*", "preset fuzz has the same sanitizers and the same tests, but the command's: those need no sanitizer"),
    ("tsan", ".*", "one program, the storm, which preset release runs without the sanitizer"),
    ("afl", ".*", "a second engine for the same targets"),
    ("fuzz", r"(^fuzz|_fuzzer)\.386(\.|$)",
     "the same targets for 386, whose stubs preset release runs; they are not built either"),
    ("fuzz", r"^hazard_fuzzer\.(arg-clobbered\.itimer|result-clobbered\..*|wrong-switch\.kill)$",
     "two hunts, by either source, are left"),
    ("fuzz", r"^(hazard|mcall|backend)_fuzzer\.ways$", "4 s of a processor each; onm_fuzzer's is left"),
    ("fuzz", r"^malloc_fuzzer\.short$", "12 s of a processor; its seeds and its two planted faults are left"),
    ("fuzz", r"^Pairs\.EverySignalIsAccountedForByEveryProtocol$", "14 s of a processor; preset release runs it in one"),
)
LANDING_TARGETS = {"fuzz": ["tests"]}  # what a landing builds of a preset; of others: all that --full does


def only_full_of(preset):
    """The patterns of a preset, as one; empty: there is none."""
    return "|".join(pattern for name, pattern, _ in ONLY_FULL if name == preset)


def count_of(preset, pattern):
    command = ["ctest", "--preset", preset, "-N", "-R", pattern]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return int(re.search(r"^Total Tests: (\d+)$", listed.stdout, re.MULTILINE).group(1))


def main(built):
    status = 0
    for preset, pattern, why in ONLY_FULL:
        count = "all"
        if pattern != ".*" and preset in built:
            count = count_of(preset, pattern)
        print(f"full  {preset}: {pattern}, {count} tests: {why}", flush=True)
        status = 1 if count == 0 else status
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
