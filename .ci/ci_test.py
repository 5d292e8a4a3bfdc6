#!/usr/bin/python3
"""ci_test.py SIGSWEEP: the workflows of this repository can be read, and what they call is there.

  .github/workflows/sigsweep.yml, .ci/gitlab.yml   both call the same scripts, with flags that those take
  .github/workflows/clusterfuzzlite.yml            its sanitizers are those that .clusterfuzzlite/project.yaml offers

Exit status: 0; 1 something is wrong; 2 usage; 77 there is no YAML parser here.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GITHUB = ROOT / ".github/workflows/sigsweep.yml"
CLUSTER = ROOT / ".github/workflows/clusterfuzzlite.yml"
GITLAB = ROOT / ".ci/gitlab.yml"
SCRIPTS = {".ci/run", "scripts/prove", "scripts/nightly"}  # what a pipeline must call
COMMAND_OF = {"scripts/prove": "prove", "scripts/nightly": "nightly"}  # the others have no flags here


class Wrong(Exception):
    """What is not as it must be."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def commands_of_github(workflow):
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]


def commands_of_gitlab(pipeline):
    return [line for job in pipeline.values() for key in ("before_script", "script") for line in job.get(key, [])]


def check_commands(name, commands, sigsweep):
    """Each script is one of this repository that can be run, and takes these flags."""
    called = set()
    for command in commands:
        script, *words = command.split()
        if "/" not in script:
            continue
        path = ROOT / script
        expect(path.is_file() and path.stat().st_mode & 0o111, f"{name}: {script}: no such script, or not executable")
        called.add(script)
        flags = [word for word in words if word.startswith("--")]
        if script not in COMMAND_OF:
            expect(not flags, f"{name}: {command}: no flag is expected")
            continue
        known = subprocess.run([sigsweep, COMMAND_OF[script], "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
        for flag in flags:
            expect(re.search(rf"(?<!\S){flag}\b", known), f"{name}: {command}: there is no {flag}")
    expect(called == SCRIPTS, f"{name}: calls {sorted(called)}; expected {sorted(SCRIPTS)}")


def check_actions(name, workflow):
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            expect(("run" in step) != ("uses" in step), f"{name}: a step must either run or use something: {step}")
            expect("uses" not in step or re.fullmatch(r"[\w./-]+@v\d+", step["uses"]), f"{name}: {step}: no version")


def check(yaml, sigsweep):
    def read(path):
        return yaml.safe_load(path.read_text(encoding="utf-8"))

    github, cluster, gitlab = read(GITHUB), read(CLUSTER), read(GITLAB)
    check_commands("sigsweep.yml", commands_of_github(github), sigsweep)
    check_commands("gitlab.yml", commands_of_gitlab(gitlab), sigsweep)
    check_actions("sigsweep.yml", github)
    check_actions("clusterfuzzlite.yml", cluster)
    offered = read(ROOT / ".clusterfuzzlite/project.yaml")
    fuzz = cluster["jobs"]["fuzz"]
    expect(set(fuzz["strategy"]["matrix"]["sanitizer"]) == set(offered["sanitizers"]),
           "clusterfuzzlite.yml: its sanitizers are not those of project.yaml")
    expect(fuzz["steps"][0]["with"]["language"] == offered["language"], "clusterfuzzlite.yml: another language")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        import yaml
    except ImportError:
        print("skipped: there is no YAML parser here (package python3-yaml)")
        return 77
    try:
        check(yaml, pathlib.Path(arguments[0]).resolve())
    except Wrong as wrong:
        print(wrong)
        return 1
    print("all workflows are well")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
