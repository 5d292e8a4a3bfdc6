#!/usr/bin/python3
"""slurm_test.py SIGSWEEP: the recipe slurm.sh, by a Slurm cluster of this one machine.

A sweep at depth 2 is an array of 16. One task is cancelled; of another one the sweep is killed while it works. `merge`
names both, and they are submitted again by its list. Then all is as in the sweep in one piece.
munged, slurmctld and slurmd are started here, on 127.0.0.1, in a temporary folder. They end with this program.
Exit status: 0; 1 something is wrong; 2 usage; 77 there is no Slurm here, and why.
"""

import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "scontrol", "sinfo", "squeue")
END = time.monotonic() + 900  # seconds; by then it has ended by itself, with all that it has started
LAST = 60  # seconds beyond, for the end of that
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
prctl = ctypes.CDLL(None).prctl
SHARDS, CANCELLED, KILLED = 16, 3, 7
FLAGS = ["--depth", "2", "--protocol", "reject,closure,remember,signalok_saved", "--site", "gc_m,ready_m,scavenge_m",
         "--handler", "gc_m,mcacheRefill_m,ready_m"]

SLURM_CONF = """\
ClusterName=sigsweep
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=1
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=node Default=YES State=UP
"""

# A sweep starts its runner first to count, and then to work. The one that is to be killed stops as it begins to work.
COMMAND = """\
#!/bin/sh
[ "$SLURM_ARRAY_TASK_ID" != {killed} ] || [ -e {folder}/held ] || set -- "$@" --runner {folder}/runner
exec {sigsweep} "$@"
"""
RUNNER = """\
#!/bin/sh
mkdir {folder}/counted 2>/dev/null && exec {runner} "$@"
echo $PPID >{folder}/held.part && mv {folder}/held.part {folder}/held
kill -STOP $$
"""


class Wrong(Exception):
    """What is not as it must be."""


def run(*command, expect=0):
    """Its output, both streams."""
    ran = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         cwd=ROOT, timeout=max(1, END - time.monotonic()), check=False)
    if ran.returncode != expect:
        raise Wrong(f"{' '.join(map(str, command))}: status {ran.returncode}, expected {expect}:\n{ran.stdout}")
    return ran.stdout


def await_that(what, there, end=END):
    """What there() gives, once it gives anything."""
    while time.monotonic() < end:
        found = there()
        if found:
            return found
        time.sleep(0.01)
    raise Wrong(f"{what}: it did not come in time")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def end_of_children():
    """Kills all children, and takes leave of those that have ended. Whether none is left: theirs are ours by then."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:  # it has ended
            continue
        if parent == os.getpid():
            os.kill(int(stat.parent.name), signal.SIGKILL)
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        return True
    return False


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.daemons = []

    def start(self):
        for name in ("munge", "state", "spool"):
            (self.folder / name).mkdir(mode=0o755)
        munge = self.folder / "munge"
        (munge / "key").write_bytes(os.urandom(128))
        (munge / "key").chmod(0o400)
        conf = self.folder / "slurm.conf"
        user = run("id", "-un").strip()
        conf.write_text(SLURM_CONF.format(folder=self.folder, host=socket.gethostname(), user=user,
                                          controller_port=free_port(), node_port=free_port()))
        os.environ["SLURM_CONF"] = str(conf)
        self.daemon("munged", "--foreground", "--force", f"--key-file={munge}/key", f"--socket={munge}/socket",
                    f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed")
        await_that("munged's socket", (munge / "socket").exists)
        self.daemon("slurmctld", "-D", "-f", conf)
        self.daemon("slurmd", "-D", "-N", "node", "-f", conf)

    def daemon(self, name, *flags):
        """In the foreground; it dies with this program, however that ends."""
        with open(self.log(name), "wb") as log:
            self.daemons.append((name, subprocess.Popen(
                [shutil.which(name), *map(str, flags)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL))))

    def log(self, name):
        return self.folder / f"{name}.log"

    def ready(self):
        for name, process in self.daemons:
            if process.poll() is not None:
                raise Wrong(f"{name} ended with status {process.returncode}:\n{self.log(name).read_text()}")
        asked = subprocess.run(["sinfo", "-h", "-o", "%T"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               check=False)
        return asked.stdout.strip() == "idle"

    def stop(self):
        """Nothing that was started here stays."""
        for _, process in reversed(self.daemons):
            process.terminate()
        for _, process in self.daemons:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        await_that("the end of all processes", end_of_children, END + LAST)


def submit(shards, *flags):
    return run("sbatch", "--parsable", f"--array={shards}", *flags, HERE / "slurm.sh", SHARDS, os.environ["SHARDS_FOLDER"],
               *FLAGS).strip()


def await_end_of_jobs():
    await_that("the end of all tasks", lambda: run("squeue", "-h") == "")


def merge(folder, expect):
    return run(folder / "sigsweep", "merge", "--json", folder / "all.jsonl",
               *sorted((folder / "shards").glob("*.jsonl")), expect=expect)


def write_program(path, text):
    path.write_text(text)
    path.chmod(0o755)


def sweep_with_losses(folder):
    """An array of which one task is cancelled, and another's sweep is killed at work."""
    job = submit(f"1-{SHARDS}", "--hold")
    run("scancel", f"{job}_{CANCELLED}")
    run("scontrol", "release", job)
    await_that("the sweep that is to be killed", (folder / "held").exists)
    os.kill(int((folder / "held").read_text()), signal.SIGKILL)
    await_end_of_jobs()


def check(folder, sigsweep):
    shards = folder / "shards"
    shards.mkdir()
    os.environ.update(SIGSWEEP=str(folder / "sigsweep"), SHARDS_FOLDER=str(shards))
    write_program(folder / "sigsweep", COMMAND.format(killed=KILLED, folder=folder, sigsweep=sigsweep))
    write_program(folder / "runner", RUNNER.format(folder=folder, runner=sigsweep.parent / "runner-amd64"))
    run(sigsweep, "sweep", *FLAGS, "--json", folder / "whole.jsonl")
    sweep_with_losses(folder)
    said = merge(folder, expect=2)
    missing = re.search(r"missing shards: (\S+) of 16$", said, re.MULTILINE)
    if not missing or missing.group(1) != f"{CANCELLED},{KILLED}":
        raise Wrong(f"shards {CANCELLED} and {KILLED} are missing, and merge says:\n{said}")
    if f"{KILLED}.jsonl: has no `end` row" not in said:
        raise Wrong(f"shard {KILLED} was killed at work, and merge says:\n{said}")
    submit(missing.group(1))
    await_end_of_jobs()
    said = merge(folder, expect=0)
    print(said, end="")
    print(run(sys.executable, ROOT / "results/compare.py", "cells", folder / "whole.jsonl", folder / "all.jsonl"), end="")
    largest = re.search(r"^the largest shard has ([\d.]+) times the mean", said, re.MULTILINE)
    if not largest or float(largest.group(1)) > 1.3:
        raise Wrong("the largest shard may have 1.3 times the mean number of trials")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    os.environ["PATH"] += ":/usr/sbin"
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        print(f"skipped: not here: {', '.join(missing)} (packages slurm-wlm and munge)")
        return 77
    prctl(PR_SET_CHILD_SUBREAPER, 1)  # what its parent leaves behind becomes a child of this program
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of all `finally`
    with tempfile.TemporaryDirectory(prefix="sigsweep-slurm-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        cluster = Cluster(folder)
        try:
            cluster.start()
            await_that("an idle node", cluster.ready)
            check(folder, pathlib.Path(arguments[0]).resolve())
        except Wrong as wrong:
            print(wrong)
            for log in sorted([*folder.glob("*.log"), *folder.glob("shards/*.log")]):
                print(f"---- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-20:]))
            return 1
        finally:
            cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
