#!/usr/bin/python3
"""gather.py DIR: copies the files whose paths come on stdin, one a line, to DIR, each under the SHA-1 of its content, so
that equal ones are one. In one process: a corpus has thousands, and a process each takes longer than to run them."""
import hashlib
import pathlib
import sys


def main():
    folder = pathlib.Path(sys.argv[1])
    for line in sys.stdin:
        content = pathlib.Path(line.rstrip("\n")).read_bytes()
        (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)


if len(sys.argv) != 2:
    sys.exit(__doc__)
main()
