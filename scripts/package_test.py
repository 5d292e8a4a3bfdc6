#!/usr/bin/python3
"""package_test.py BUILD: the packages of that build, installed and run where nothing else is.

A folder gets the files of the packages that sigsweep's package depends on, of those that they depend on, and of two
that every Debian has (ESSENTIAL), and no other. dpkg itself installs the package there, so a dependency that is missing
is an error. Then the command runs in it, by chroot.

Exit status: 0; 1 something is wrong; 2 usage; 77 skipped, and why: it needs root, dpkg, and mounts.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

RUNS = (  # words behind `sigsweep`, exit status, what it says
    (["--version"], 0, r"^\d+\.\d+\.\d+ \(\w+ [0-9a-f]{7,}"),
    (["list"], 0, r"\nprotocols\n"),
    (["sweep", "--site", "gc_m", "--protocol", "reject", "--handler", "gc_m"], 0, r"\nreject +\d+ rejected\n"),
    (["explain", "--site", "gc_m", "--strip"], 0, r"\nsignalok_raw +\.+A+"),
    (["sweep", "--adapter", "/usr/lib/sigsweep/adapter-ucontext-amd64.so", "--site", "round_trip",
      "--handler", "switch"], 0, "signals landed"),
    (["storm", "--duration", "500ms", "--ms", "1"], 0, "as expected"),
    (["replay", "/usr/share/doc/sigsweep/corpus/hazards/argument-s0.sched"], 0, "arg-clobbered"),
    (["adapter", "new"], 0, "-I/usr/include"),
)
ESSENTIAL = "dash, libc-bin"  # /bin/sh and ldconfig: that a package installs shared objects makes it call that
INSTALLED = ("/usr/share/man/man1/sigsweep.1", "/usr/share/man/man1/sigsweep-sweep.1", "/usr/include/sigsweep_adapter.h",
             "/usr/share/bash-completion/completions/sigsweep", "/usr/share/zsh/site-functions/_sigsweep",
             "/usr/share/fish/vendor_completions.d/sigsweep.fish", "/usr/share/sigsweep/results/schema.json",
             "/usr/share/doc/sigsweep/docs/guide.md", "/usr/share/doc/sigsweep/copyright")


class Wrong(Exception):
    """What is not as it must be."""


def output_of(*command, **more):
    ran = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False, **more)
    if ran.returncode != 0:
        raise Wrong(f"{' '.join(map(str, command))}: status {ran.returncode}\n{ran.stdout}")
    return ran.stdout


def why_not():
    if os.geteuid() != 0:
        return "it needs root, for chroot"
    for program in ("cpack", "dpkg", "dpkg-query", "dpkg-shlibdeps", "unshare", "chroot"):
        if not shutil.which(program):
            return f"there is no {program} here"
    if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return "nothing can be mounted here"
    return ""


def installed(package):
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, check=False)
    return asked.returncode == 0 and asked.stdout.startswith("installed")


def names_in(depends):
    """Of each dependency the first alternative that is installed here."""
    for entry in filter(None, (part.strip() for part in depends.split(","))):
        names = [re.split(r"[ (:]", choice.strip())[0] for choice in entry.split("|")]
        found = next((name for name in names if installed(name)), None)
        if found is None:
            raise Wrong(f"{entry}: is not installed here, so it cannot be copied")
        yield found


def closure(depends):
    packages, left = [], list(names_in(depends.replace("\n", "")))
    while left:
        package = left.pop()
        if package in packages:
            continue
        packages.append(package)
        left += names_in(output_of("dpkg-query", "-W", "-f", "${Depends},${Pre-Depends}\n", package).splitlines()[0])
    return packages


def bare_root(root, packages):
    """Their files, and what dpkg must know of them."""
    for folder in ("usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "proc", "dev", "tmp", "var/lib/dpkg/info",
                   "var/lib/dpkg/updates"):
        (root / folder).mkdir(parents=True)
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / name).symlink_to(f"usr/{name}")
    for package in packages:
        for line in output_of("dpkg-query", "-L", package).splitlines():
            path, copy = pathlib.Path(line), root / line.lstrip("/")
            if line.startswith("/usr/share/") or os.path.lexists(copy) or not os.path.lexists(path):
                continue
            if path.is_dir() and not path.is_symlink():
                copy.mkdir(parents=True, exist_ok=True)
            else:
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy, follow_symlinks=False)
    status = "\n".join(output_of("dpkg-query", "-s", package) for package in packages)
    (root / "var/lib/dpkg/status").write_text(status, encoding="utf-8")


def run_in(root, words):
    line = f'mount -t proc proc "{root}/proc" && mount --bind /dev "{root}/dev" && exec chroot "{root}" "$@"'
    return subprocess.run(["unshare", "--mount", "sh", "-c", line, "sh", "/usr/bin/sigsweep", *words],
                          env={"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300)


def check(build, work):
    output_of("cpack", "--config", build / "CPackConfig.cmake", "-B", work / "made", cwd=work)
    packages = {re.split("_", path.name)[0]: path for path in (work / "made").glob("*.deb")}
    if "sigsweep" not in packages:
        raise Wrong(f"there is no package sigsweep, but {sorted(packages)}")
    depends = output_of("dpkg-deb", "-f", packages["sigsweep"], "Depends")
    root = work / "root"
    bare_root(root, closure(f"{depends}, {ESSENTIAL}"))
    output_of("dpkg", f"--root={root}", "--install", packages["sigsweep"])
    for path in INSTALLED:
        if not (root / path.lstrip("/")).is_file():
            raise Wrong(f"{path}: is not in the package")
    for words, status, said in RUNS:
        ran = run_in(root, words)
        if ran.returncode != status or not re.search(said, "\n" + ran.stdout if said.startswith(r"\n") else ran.stdout):
            raise Wrong(f"sigsweep {' '.join(words)}: status {ran.returncode}; {status} and \"{said}\" are expected\n"
                        f"{ran.stdout}")
    print(f"installed with {depends.strip()}; {len(RUNS)} runs are as expected")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    if why := why_not():
        print(f"skipped: {why}")
        return 77
    with tempfile.TemporaryDirectory() as name:
        try:
            check(pathlib.Path(arguments[0]).resolve(), pathlib.Path(name))
        except Wrong as wrong:
            print(wrong)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
