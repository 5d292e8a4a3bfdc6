#!/usr/bin/python3
"""junit.py FILE: what ctest says in its report: `TESTS FAILURES`, then a line for each test that was skipped, and why.

A test whose program is missing has failed, although ctest's own count says that it was skipped.
"""

import re
import sys
import xml.etree.ElementTree


def is_skipped(case):
    """By its own decision, or by a property that says so."""
    skipped = case.find("skipped")
    return case.get("status") == "disabled" or (skipped is not None and skipped.get("message", "").startswith("SKIP_"))


def reason(case):
    """What GoogleTest's GTEST_SKIP says, or the last line that the test wrote."""
    output = case.findtext("system-out", "").strip()
    said = re.search(r": Skipped\n+(.+)", output)
    lines = [said.group(1)] if said else output.splitlines()
    return lines[-1] if lines else case.get("status") + ", without a reason"


def read(path):
    """How many tests, how many failures, and a line for each that was skipped."""
    cases = list(xml.etree.ElementTree.parse(path).getroot().iter("testcase"))
    skipped = [case for case in cases if is_skipped(case)]
    passed = [case for case in cases if case.get("status") == "run"]
    return len(cases), len(cases) - len(passed) - len(skipped), [f"{case.get('name')}: {reason(case)}" for case in skipped]


def main():
    tests, failures, reasons = read(sys.argv[1])
    print(tests, failures)
    for line in reasons:
        print(line)


if __name__ == "__main__":
    main()
