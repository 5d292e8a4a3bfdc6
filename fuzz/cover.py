#!/usr/bin/python3
"""cover.py CONTROL N: of the inputs in a control file of libFuzzer's -set_cover_merge, prints the N that together show
most: one path a line, the one that adds most first; fewer if fewer show all. On stderr: how many features they show."""
import sys


def read(path):
    """Features by input. FILES, FIRST, the paths; then for each: STARTED i size, FT i feature..., COV i edge..."""
    with open(path, encoding="utf-8") as lines:
        count, _ = int(next(lines)), next(lines)
        paths = [next(lines).rstrip("\n") for _ in range(count)]
        shown = {}
        for line in lines:
            words = line.split()
            if words[0] == "FT":
                shown[paths[int(words[1])]] = frozenset(words[2:])
    return shown


def main():
    shown, most = read(sys.argv[1]), int(sys.argv[2])
    all_features = frozenset().union(*shown.values())
    covered = set()
    for _ in range(most):
        best = max(sorted(shown), key=lambda path: len(shown[path] - covered), default=None)
        if best is None or not shown[best] - covered:
            break
        covered |= shown.pop(best)
        print(best)
    print(f"{len(covered)} of {len(all_features)} features", file=sys.stderr)


if len(sys.argv) != 3:
    sys.exit(__doc__)
main()
