#!/usr/bin/python3
"""style.py format|shell|tidy: the style of the files that git tracks, by clang-format, shellcheck or clang-tidy.

tidy: of those that preset release has compiled. Exit status: 0 all is well; 1 it is not, or there is no file to look at;
2 usage; else the tool's own.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Unfit(Exception):
    """A check has nothing to look at; the message says what is missing."""


def tracked(*patterns):
    """The files that git tracks, sorted; also where another user owns the checkout."""
    listed = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "--", *patterns],
                            stdout=subprocess.PIPE, check=True)
    return sorted(os.fsdecode(listed.stdout).splitlines())


def status_of(*command, **options):
    sys.stdout.flush()
    return subprocess.run(command, check=False, **options).returncode


def check_format():
    files = tracked("*.h", "*.cc")
    if not files:
        raise Unfit("git tracks no *.h and no *.cc")
    return status_of("clang-format-14", "--dry-run", "-Werror", *files)


def is_shell(path):
    with open(path, "rb") as file:
        return re.match(rb"#!.*sh$|# shellcheck shell=", file.readline().rstrip(b"\n")) is not None


def check_shell():
    files = [path for path in tracked("scripts", ".ci/run", "*.sh") if is_shell(path)]
    if not files:
        raise Unfit("git tracks no shell script")
    return status_of("shellcheck", "-x", *files)


def check_tidy():
    database = "build/release/compile_commands.json"
    compiled = {entry["file"] for entry in json.loads(pathlib.Path(database).read_text(encoding="utf-8"))}
    files, others = [], []
    for path in tracked("*.cc"):
        (files if str(ROOT / path) in compiled else others).append(path)
    if not files:
        raise Unfit(f"{database} has no tracked file")
    print(f"checked: {len(files)}; not compiled by preset release: {len(others)} {' '.join(others)}")
    return status_of("xargs", "-0", "-n", "1", "-P", str(len(os.sched_getaffinity(0))), "clang-tidy-14", "-p", "build/release", "-quiet",
                     input=b"".join(os.fsencode(path) + b"\0" for path in files))


CHECKS = {"format": check_format, "shell": check_shell, "tidy": check_tidy}


def main(arguments):
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        print(f"style.py: '{' '.join(arguments)}' is no check (allowed: {', '.join(CHECKS)})", file=sys.stderr)
        return 2
    os.chdir(ROOT)
    try:
        return CHECKS[arguments[0]]()
    except (Unfit, OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"test: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
