#!/usr/bin/python3
"""recipes_test.py SIGSWEEP: the files to copy, but Slurm's (slurm_test.py).

  parallel.sh      run for real: all shards, then one again
  kubernetes.yaml  what each pod runs, by sh, as each of two pods; what it does with a shard that is whole, or was killed
  gitlab.yml       their commands name what `sigsweep` has, and the shards are those of the matrix
  github.yml

Exit status: 0; 1 something is wrong; 2 usage; 77 all else is well, and a program for one of them is not here.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CELLS = ["--protocol", "closure", "--site", "gc_m,ready_m", "--handler", "gc_m"]  # a small sweep


class Wrong(Exception):
    """What is not as it must be."""


class Skipped(Exception):
    """What is not here."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def run(*command, status=0, **environment):
    ran = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         env={**os.environ, **environment}, timeout=300, check=False)
    expect(ran.returncode == status, f"{command}: status {ran.returncode}, expected {status}:\n{ran.stdout}")
    return ran.stdout


def recipe(name):
    try:
        import yaml
    except ImportError:
        raise Skipped(f"{name} was not read: there is no YAML parser here (package python3-yaml)") from None
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def parallel(folder):
    if not shutil.which("parallel"):
        raise Skipped("parallel.sh was not run: there is no GNU parallel here (package parallel)")
    shards = folder / "shards"
    said = run(HERE / "parallel.sh", 3, shards, *CELLS)
    expect("3 shards, 2 cells" in said, f"parallel.sh:\n{said}")
    (shards / "2.jsonl").unlink()
    before = (shards / "1.jsonl").stat().st_mtime_ns
    said = run(HERE / "parallel.sh", 3, shards, *CELLS, SHARDS="2-3")
    expect("3 shards, 2 cells" in said, f"parallel.sh, once more:\n{said}")
    expect((shards / "1.jsonl").stat().st_mtime_ns == before, "parallel.sh did a shard that SHARDS does not name")


def kubernetes(folder):
    job = recipe("kubernetes.yaml")
    count = job["spec"]["completions"]
    expect(job["kind"] == "Job" and job["spec"]["completionMode"] == "Indexed", "kubernetes.yaml: no indexed Job")
    container = job["spec"]["template"]["spec"]["containers"][0]
    command = [*container["command"], *container["args"]]
    expect(f"auto/{count} " in command[-1], f"kubernetes.yaml: {count} completions, and another --shard")
    expect(container["env"] == [{"name": "RESULTS", "value": container["volumeMounts"][0]["mountPath"]}],
           "kubernetes.yaml: RESULTS is not where the volume is")
    command[-1] = command[-1].replace("--depth 2", " ".join(CELLS))
    for index in (0, count - 1):
        run(*command, JOB_COMPLETION_INDEX=str(index), RESULTS=str(folder))
        expect(f'"shard":"{index + 1}/{count}"' in (folder / f"{index}.jsonl").read_text(), "another shard was done")
    whole = folder / "0.jsonl"
    before = whole.stat().st_mtime_ns
    run(*command, JOB_COMPLETION_INDEX="0", RESULTS=str(folder))
    expect(whole.stat().st_mtime_ns == before, "kubernetes.yaml: a shard that is whole was done again")
    whole.write_text("".join(whole.read_text().splitlines(keepends=True)[:-1]))
    run(*command, JOB_COMPLETION_INDEX="0", RESULTS=str(folder))
    expect('"kind":"end"' in whole.read_text(), "kubernetes.yaml: a shard that was killed was not done again")
    run(*command, status=1, JOB_COMPLETION_INDEX=str(count), RESULTS=str(folder))


def commands_of(lines):
    return [command for line in lines for command in re.findall(r"\bsigsweep \w.*", line)]


def check_flags(name, lines):
    """Each command of a recipe is one that this build has."""
    found = commands_of(lines)
    expect({command.split()[1] for command in found} == {"sweep", "merge"}, f"{name}: must sweep and merge: {found}")
    for command in found:
        known = run("sigsweep", command.split()[1], "--help")
        for flag in re.findall(r"(?<=\s)--[\w-]+", command):
            expect(re.search(rf"(?<!\S){flag}\b", known), f"{name}: {command}: there is no {flag}")


def gitlab(_):
    jobs = recipe("gitlab.yml")
    check_flags("gitlab.yml", jobs["sweep"]["script"] + jobs["merge"]["script"])
    expect(jobs["sweep"]["parallel"] > 1 and "auto/$CI_NODE_TOTAL" in jobs["sweep"]["script"][0], "gitlab.yml: no shards")


def github(_):
    jobs = recipe("github.yml")["jobs"]
    check_flags("github.yml", [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step])
    shards = jobs["sweep"]["strategy"]["matrix"]["shard"]
    expect(shards == list(range(1, len(shards) + 1)), f"github.yml: shards {shards}")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    skipped = []
    for engine in ("SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "CI_NODE_INDEX", "PARALLEL_SEQ"):
        os.environ.pop(engine, None)  # that this test itself runs in
    with tempfile.TemporaryDirectory() as name:
        sigsweep = pathlib.Path(arguments[0]).resolve()
        os.environ["PATH"] = f"{sigsweep.parent}:{os.environ['PATH']}"
        for check in (parallel, kubernetes, gitlab, github):
            folder = pathlib.Path(name, check.__name__)
            folder.mkdir()
            try:
                check(folder)
            except Wrong as wrong:
                print(wrong)
                return 1
            except Skipped as why:
                skipped.append(str(why))
    print("\n".join(skipped) or "all recipes are well")
    return 77 if skipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
